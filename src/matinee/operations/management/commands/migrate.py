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
from django.db.backends.utils import CursorWrapper
from django.db.migrations import Migration
from psycopg.errors import LockNotAvailable

ONE_AT_A_TIME = 0x6D617469  # any number that no other program of this database locks
LOCK_WITHIN = "500ms"
"""So long a migration waits for a table. Whoever comes after it waits behind it, though it has not begun. One that is
not atomic makes an index while others go on: it waits for them as long as it takes, and keeps nobody waiting."""
FOR_EVER = "0"
TRIES = 20
PAUSE_SECONDS = 1.0


class Command(migrate.Command):
    _beside_a_service: BaseDatabaseWrapper | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options.get("database") or DEFAULT_DB_ALIAS]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        self._beside_a_service = connection
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

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:  # noqa: FBT001, FBT002 - as Django calls it
        if migration is not None and action in {"apply_start", "unapply_start"} and self._beside_a_service:
            _wait_for_locks(self._beside_a_service, LOCK_WITHIN if migration.atomic else FOR_EVER)
        super().migration_progress_callback(action, migration, fake)


@contextmanager
def _alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """One run at a time over all machines, and none that holds up others by waiting for a table."""
    with connection.cursor() as cursor:
        while not _is_locked(cursor):
            time.sleep(PAUSE_SECONDS)
        try:
            _wait_for_locks(connection, LOCK_WITHIN)
            yield
        finally:
            if connection.is_usable():  # what a lost one held is free already
                cursor.execute("RESET lock_timeout")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])


def _is_locked(cursor: CursorWrapper) -> bool:
    """Asked again and again: a statement that waited for the lock would have a snapshot, and the other run's
    CREATE INDEX CONCURRENTLY would wait for that."""
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [ONE_AT_A_TIME])
    return bool(cursor.fetchone()[0])


def _wait_for_locks(connection: BaseDatabaseWrapper, within: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [within])
