"""SQLite as Django speaks to it, but for how a transaction waits for the one that writes before it."""

from __future__ import annotations

import time

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

LOOKS_AGAIN_AFTER_SECONDS = 0.0004
"""Less than half of what a short transaction takes until it is on the disk."""
LOCKED = "database is locked"


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        """SQLite looks after 1, 2, 5, 10 ms and so on whether the lock is free, by when somebody else may have it: who
        waited longest waits on, and nobody writes meanwhile. Raises OperationalError after as long as ever."""
        seconds: float = self.settings_dict["OPTIONS"]["timeout"]
        until = time.monotonic() + seconds
        self._set_busy_timeout(0)
        try:
            while True:
                try:
                    self._begin()
                except OperationalError as error:
                    if str(error) != LOCKED or time.monotonic() > until:
                        raise
                    time.sleep(LOOKS_AGAIN_AFTER_SECONDS)
                else:
                    return
        finally:
            self._set_busy_timeout(seconds)

    def _begin(self) -> None:
        """As Django does, but that the cursor is closed where this fails. The error is in a cycle that holds it, so
        any thread may free both, which pysqlite3 does not stand while this one closes its connection: decision 2."""
        with self.cursor() as cursor:
            cursor.execute(f"BEGIN {self.settings_dict['OPTIONS']['transaction_mode']}")

    def _set_busy_timeout(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {seconds * 1_000:.0f}")
