"""The triggers that hold the trail append-only, whoever writes and by whatever way.

An event is added unsealed, gets its seal once, and goes only with a segment that retention has marked. A segment is
marked once and never goes. SQLite drops a table's triggers when Django remakes the table: a later migration that alters
one of the two ends with `RunPython(install)`. A test holds that they are in place.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

REFUSAL = "The audit trail is only added to."
FACTS = {
    "audit_event": ("id", "at", "action", "actor", "subject", "target", "changes", "request_id", "network"),
    "audit_segment": ("number", "size", "oldest_at", "newest_at", "sealed_at", "root"),
}
"""The columns that never change."""

# When a statement is refused. The first keeps SQLite's INSERT OR REPLACE from deleting a row in silence.
REFUSED = {
    "audit_event": {
        "insert": "NEW.segment_id IS NOT NULL OR EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id)",
        "update": "OLD.segment_id IS NOT NULL OR NEW.segment_id IS NULL OR {changed}",
        "delete": "NOT EXISTS (SELECT 1 FROM audit_segment WHERE number = OLD.segment_id AND dropped_at IS NOT NULL)",
    },
    "audit_segment": {
        "insert": "NEW.dropped_at IS NOT NULL OR EXISTS (SELECT 1 FROM audit_segment WHERE number = NEW.number)",
        "update": "OLD.dropped_at IS NOT NULL OR NEW.dropped_at IS NULL OR {changed}",
        "delete": "1 = 1",
    },
}


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers in place, over those that may be there."""
    remove(apps, schema_editor)
    for statement in _statements(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    postgresql = schema_editor.connection.vendor == "postgresql"
    for table, events in REFUSED.items():
        for event in (*events, "truncate") if postgresql else events:
            name = f"{table}_{event}"
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if postgresql else ""))
            if postgresql:
                schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def _statements(vendor: str) -> Sequence[str]:
    statements = []
    for table, events in REFUSED.items():
        for event, condition in events.items():
            name = f"{table}_{event}"
            refused = condition.format(changed=_changed(table, vendor))
            if vendor != "postgresql":
                body = f"SELECT RAISE(ABORT, '{REFUSAL}') WHERE {refused}"
                statements.append(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW BEGIN {body}; END")
                continue
            body = f"IF {refused} THEN RAISE EXCEPTION '{REFUSAL}'; END IF; RETURN COALESCE(NEW, OLD)"
            statements += _of_postgresql(name, f"{event} ON {table} FOR EACH ROW", body)
        if vendor == "postgresql":
            name, body = f"{table}_truncate", f"RAISE EXCEPTION '{REFUSAL}'"
            statements += _of_postgresql(name, f"TRUNCATE ON {table}", body)
    return statements


def _of_postgresql(name: str, when: str, body: str) -> tuple[str, str]:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$",
        f"CREATE TRIGGER {name} BEFORE {when} EXECUTE FUNCTION {name}()",
    )


def _changed(table: str, vendor: str) -> str:
    differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    return " OR ".join(f"NEW.{column} {differs} OLD.{column}" for column in FACTS[table])
