"""Statements that are written out, put to the driver itself: of what a short one takes, Django's cursor is half."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

PLACE = re.compile("(?<!%)%s")


def fetched(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows that a statement gives; on SQLite a write has ended only once they are fetched.

    It checks what Django's cursor would: that the connection is usable and this thread's, and its transaction not
    broken; and it raises Django's exceptions. Where somebody watches Django's cursors (tests, tracing) it goes by one.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()  # and with it come those who watch
    if database.execute_wrappers or database.queries_logged:
        with database.cursor() as cursor:
            cursor.execute(statement, parameters)
            return [*map(tuple, cursor.fetchall())] if cursor.description else []
    database.validate_thread_sharing()
    database.validate_no_broken_transaction()
    with database.wrap_database_errors:
        if database.vendor == "postgresql":
            return _of_postgresql(database, statement, parameters)
        rows: list[tuple[Any, ...]] = database.connection.execute(_in_marks(statement), parameters).fetchall()
        return rows


def _of_postgresql(database: Any, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    cursor = database.kept_cursor()
    cursor.execute(statement, parameters)
    rows: list[tuple[Any, ...]] = [] if cursor.rownumber is None else cursor.fetchall()
    return rows


@lru_cache(maxsize=512)
def _in_marks(statement: str) -> str:
    """As SQLite's driver takes it, and as Django's cursor makes it anew each time."""
    return PLACE.sub("?", statement).replace("%%", "%")
