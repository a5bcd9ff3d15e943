"""The triggers that write the outbox: one MovieChange for each consumer, in the transaction of the change itself.

SQLite drops a table's triggers when Django remakes the table: a later migration that alters catalog_movie ends with
`RunPython(install)`. A test holds that they are in place.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

RECORD = "INSERT INTO catalog_moviechange (consumer, tmdb_id) SELECT name, {id} FROM catalog_changeconsumer"
EVENTS = {
    "insert": [RECORD.format(id="NEW.tmdb_id")],
    "update": [RECORD.format(id="NEW.tmdb_id"), RECORD.format(id="OLD.tmdb_id") + " WHERE NEW.tmdb_id <> OLD.tmdb_id"],
    "delete": [RECORD.format(id="OLD.tmdb_id")],
}


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers in place, over those that may be there."""
    remove(apps, schema_editor)
    postgresql = schema_editor.connection.vendor == "postgresql"
    for event, statements in EVENTS.items():
        body = "; ".join(statements)
        name = f"catalog_movie_{event}"
        if postgresql:
            schema_editor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$"
            )
        begin = f"EXECUTE FUNCTION {name}()" if postgresql else f"BEGIN {body}; END"
        schema_editor.execute(f"CREATE TRIGGER {name} AFTER {event} ON catalog_movie FOR EACH ROW {begin}")


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    for event in EVENTS:
        name = f"catalog_movie_{event}"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON catalog_movie")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
