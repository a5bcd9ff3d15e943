"""Work that the job worker does after an erasure."""

from __future__ import annotations

from django.db import connection
from django_tasks import task


@task()
def empty_write_ahead_log() -> None:
    """SQLite keeps what was written before in its log until that is written anew. Waits for those who read."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
