"""SQLite as Django speaks to it, but for how a transaction waits for the one that writes before it, and for what a
statement that failed leaves behind."""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

LOOKS_AGAIN_AFTER_SECONDS = 0.0004
"""Less than half of what a short transaction takes until it is on the disk."""
LOCKED = "database is locked"


def _closing_what_fails(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def closing(cursor: sqlite3.Cursor, *args: Any) -> Any:
        try:
            return method(cursor, *args)
        except BaseException:
            with suppress(sqlite3.Error):  # its connection may be closed
                cursor.close()
            raise

    return closing


class Cursor(base.SQLiteCursorWrapper):
    """Closed as soon as a statement of it has failed.

    The error that Django raises is part of a cycle that holds the cursor, and so any thread may free both, whenever it
    collects garbage. pysqlite3 then ends the cursor's statement; where the thread that it belonged to just closes its
    connection, the statement is gone already, and the process dies. A closed cursor has none.
    """

    execute = _closing_what_fails(base.SQLiteCursorWrapper.execute)
    executemany = _closing_what_fails(base.SQLiteCursorWrapper.executemany)


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: str | None = None) -> Cursor:  # noqa: ARG002 - SQLite's cursors have no names
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        return cursor

    def _start_transaction_under_autocommit(self) -> None:
        """SQLite looks after 1, 2, 5, 10 ms and so on whether the lock is free, by when somebody else may have it: who
        waited longest waits on, and nobody writes meanwhile. Raises OperationalError after as long as ever."""
        seconds: float = self.settings_dict["OPTIONS"]["timeout"]
        until = time.monotonic() + seconds
        self._set_busy_timeout(0)
        try:
            while True:
                try:
                    super()._start_transaction_under_autocommit()  # type: ignore[misc] # not in django-stubs
                except OperationalError as error:
                    if str(error) != LOCKED or time.monotonic() > until:
                        raise
                    time.sleep(LOOKS_AGAIN_AFTER_SECONDS)
                else:
                    return
        finally:
            self._set_busy_timeout(seconds)

    def _set_busy_timeout(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {seconds * 1_000:.0f}")
