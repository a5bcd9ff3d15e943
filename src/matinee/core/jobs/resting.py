"""When a job worker need not look for jobs: on SQLite it costs next to nothing to see that nobody has written.

A look is a few statements of Django's; twice a second in each worker they are most of what an instance at rest does.
"""

from __future__ import annotations

import time

from django.db import connection

RESTS_AFTER_SECONDS = 4.0
"""Without a write: longer than the pause of any task that is due every few seconds, so that what was written during
that pause is still found by a look."""
LOOKS_EVERY_SECONDS = 5.0
"""At rest all the same: for what time alone brings, as a lease that runs out."""


class Rest:
    """What one worker knows of how long nobody has written. SQLite does not count what the worker itself writes."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._written_at = self._looked_at = time.monotonic()

    def spares_a_look(self) -> bool:
        """Whether nothing can be there but what may wait for some seconds. Never on PostgreSQL, which can't tell."""
        now, version = time.monotonic(), _version_of_database()
        if version is None or version != self._version:
            self._version, self._written_at = version, now
        rests = now - self._written_at >= RESTS_AFTER_SECONDS
        if rests and now - self._looked_at < LOOKS_EVERY_SECONDS:
            return True
        self._looked_at = now
        return False

    def end(self) -> None:
        """There was work, which may have brought more."""
        self._written_at = time.monotonic()


def _version_of_database() -> int | None:
    """A number that changes when another connection commits: https://www.sqlite.org/pragma.html#pragma_data_version"""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        return int(cursor.execute("PRAGMA data_version").fetchone()[0])
