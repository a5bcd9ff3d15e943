"""Triggers that do more in the transaction of a change, written once for both databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def install_after(table: str, events: Mapping[str, Sequence[str]], schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Have the database run the statements of an event (`insert`, `update`, `delete`) after each row of `table`."""
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


def remove_after(table: str, events: Iterable[str], schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Take them away, where they are there."""
    for event in events:
        name = f"{table}_{event}"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
