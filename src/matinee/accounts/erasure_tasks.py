"""Work that the job worker does after an erasure."""

from __future__ import annotations

from django.db import connection
from django_tasks import task


class LogInUse(Exception):
    """Somebody still reads what SQLite's log holds: it is tried again."""


@task()
def empty_write_ahead_log() -> None:
    """SQLite keeps what was written before in its log until that is written anew. Waits for those who read.

    Raises LogInUse where they read for longer than a statement waits.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy, *_ = cursor.fetchone()
        if is_busy:
            raise LogInUse("Another connection reads from SQLite's log for long.")
