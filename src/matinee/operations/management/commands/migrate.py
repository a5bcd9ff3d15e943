"""`matinee migrate`: Django's own, made to run beside a service on PostgreSQL that goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import LockNotAvailable

ONE_AT_A_TIME = 0x6D617469  # any number that no other program of this database locks
LOCK_WITHIN = "1s"
"""So long a migration waits for a table. Whoever comes after it waits behind it, though it has not begun."""
TRIES = 20
PAUSE_SECONDS = 1.0


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options.get("database") or DEFAULT_DB_ALIAS]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        with _alone(connection):
            for _ in range(TRIES):
                try:
                    super().handle(*args, **options)
                except OperationalError as error:
                    if not isinstance(error.__cause__, LockNotAvailable):
                        raise
                    time.sleep(PAUSE_SECONDS)  # lets pass who has waited behind it
                else:
                    return
        raise CommandError(
            "A migration could not get its lock, since a transaction holds the table for long: pg_stat_activity names "
            "it. What was applied before it stays; run `matinee migrate` again."
        )


@contextmanager
def _alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """One run at a time over all machines, and none that holds up others by waiting for a table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        try:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_WITHIN])
            yield
        finally:
            if connection.is_usable():  # what a lost one held is free already
                cursor.execute("RESET lock_timeout")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
