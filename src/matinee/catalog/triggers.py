"""The triggers that write the outbox: one MovieChange for each consumer, in the transaction of the change itself.

SQLite drops a table's triggers when Django remakes the table: a later migration that alters catalog_movie ends with
`RunPython(install)`. A test holds that they are in place.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from matinee.core.triggers import install_after, remove_after

RECORD = "INSERT INTO catalog_moviechange (consumer, tmdb_id) SELECT name, {id} FROM catalog_changeconsumer"
OF_FILMS = {
    "insert": [RECORD.format(id="NEW.tmdb_id")],
    "update": [RECORD.format(id="NEW.tmdb_id"), RECORD.format(id="OLD.tmdb_id") + " WHERE NEW.tmdb_id <> OLD.tmdb_id"],
    "delete": [RECORD.format(id="OLD.tmdb_id")],
}
OF_GENRES = {event: [RECORD.format(id="0")] for event in ("insert", "update", "delete")}
"""A genre's name stands in the cards of all its films: 0 in place of a film's id."""


OF_PROVIDERS = {"update": [RECORD.format(id="0")]}
"""What a provider is called stands in the details of a large part of all films."""


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers on films in place, over those that may be there."""
    remove(apps, schema_editor)
    install_after("catalog_movie", OF_FILMS, schema_editor)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    remove_after("catalog_movie", OF_FILMS, schema_editor)


def install_on_genres(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers on genres in place, over those that may be there."""
    remove_from_genres(apps, schema_editor)
    install_after("catalog_genre", OF_GENRES, schema_editor)


def remove_from_genres(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    remove_after("catalog_genre", OF_GENRES, schema_editor)


def install_on_providers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers on watch providers in place, over those that may be there."""
    remove_from_providers(apps, schema_editor)
    install_after("catalog_watchprovider", OF_PROVIDERS, schema_editor)


def remove_from_providers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    remove_after("catalog_watchprovider", OF_PROVIDERS, schema_editor)
