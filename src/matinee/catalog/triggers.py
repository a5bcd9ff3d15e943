"""The triggers that write the outbox: one MovieChange for each consumer, in the transaction of the change itself.

SQLite drops a table's triggers when Django remakes the table: a later migration that alters catalog_movie ends with
`RunPython(install)`. A test holds that they are in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

RECORD = "INSERT INTO catalog_moviechange (consumer, tmdb_id) SELECT name, {id} FROM catalog_changeconsumer"
OF_FILMS = {
    "insert": [RECORD.format(id="NEW.tmdb_id")],
    "update": [RECORD.format(id="NEW.tmdb_id"), RECORD.format(id="OLD.tmdb_id") + " WHERE NEW.tmdb_id <> OLD.tmdb_id"],
    "delete": [RECORD.format(id="OLD.tmdb_id")],
}
OF_GENRES = {event: [RECORD.format(id="0")] for event in ("insert", "update", "delete")}
"""A genre's name stands in the cards of all its films: 0 in place of a film's id."""


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers on films in place, over those that may be there."""
    remove(apps, schema_editor)
    _install("catalog_movie", OF_FILMS, schema_editor)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    _remove("catalog_movie", OF_FILMS, schema_editor)


def install_on_genres(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers on genres in place, over those that may be there."""
    remove_from_genres(apps, schema_editor)
    _install("catalog_genre", OF_GENRES, schema_editor)


def remove_from_genres(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    _remove("catalog_genre", OF_GENRES, schema_editor)


def _install(table: str, events: Mapping[str, Sequence[str]], schema_editor: BaseDatabaseSchemaEditor) -> None:
    postgresql = schema_editor.connection.vendor == "postgresql"
    for event, statements in events.items():
        body = "; ".join(statements)
        name = f"{table}_{event}"
        if postgresql:
            schema_editor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$"
            )
        begin = f"EXECUTE FUNCTION {name}()" if postgresql else f"BEGIN {body}; END"
        schema_editor.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW {begin}")


def _remove(table: str, events: Iterable[str], schema_editor: BaseDatabaseSchemaEditor) -> None:
    for event in events:
        name = f"{table}_{event}"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
