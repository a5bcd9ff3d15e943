"""The triggers that give a person's state a new version with every write to it, whoever writes and by whatever way.

SQLite drops a table's triggers when Django remakes the table: a later migration that alters one of these ends with
`RunPython(install)`. A test holds that they are in place.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from matinee.accounts.models import STATE_VERSION_BITS
from matinee.core.triggers import install_after, remove_after

TABLES = (
    "library_favorite",
    "library_watchlist",
    "library_movierating",
    "library_dismissal",
    "accounts_userprofile",
)
CHANGED_ROW = {"insert": "NEW", "update": "NEW", "delete": "OLD"}
RANDOM = {
    "sqlite": f"(random() & {2**STATE_VERSION_BITS - 1})",
    "postgresql": f"(random() * {2**STATE_VERSION_BITS - 1})::bigint",
}


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers in place, over those that may be there."""
    remove(apps, schema_editor)
    version = RANDOM[schema_editor.connection.vendor]
    move = f"UPDATE accounts_personstate SET version = {version} WHERE user_id = {{row}}.user_id"  # noqa: S608 - constants
    for table in TABLES:
        install_after(table, {event: [move.format(row=row)] for event, row in CHANGED_ROW.items()}, schema_editor)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - as RunPython calls it
    for table in TABLES:
        remove_after(table, CHANGED_ROW, schema_editor)
