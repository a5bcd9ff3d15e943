"""The database as a command meets it: away, or without the tables of this program."""

from __future__ import annotations

import re

from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, ProgrammingError, connection
from django.db import Error as AnyDatabaseError
from django.db.migrations.executor import MigrationExecutor


def waiting_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


OUTDATED = "The database is not up to date. Run `matinee migrate` first."


def refuse_outdated_database() -> None:
    """Raises CommandError: what a command reads may not be there yet."""
    if waiting_migrations():
        raise CommandError(OUTDATED)


def is_unusable(error: AnyDatabaseError) -> bool:
    """It is away, or its file is damaged: of that sqlite3 says no more than that it is an error of the database."""
    return isinstance(error, OperationalError) or type(error) is DatabaseError


def is_outdated(error: DatabaseError) -> bool:
    """Whether a statement named what migrations that wait will bring."""
    names_nothing = isinstance(error, (OperationalError, ProgrammingError)) and re.search(
        r"no such (table|column)|(relation|column) \S+ does not exist", str(error)
    )
    return bool(names_nothing and waiting_migrations())


def told(error: DatabaseError) -> str:
    """What its person can act on, in place of forty lines of Python; `--traceback` has those."""
    reason = " ".join(str(error).split())
    return f"The database can't be used ({reason}). `matinee doctor` tells what to do."
