"""Reads that may lag go to a replica of the database, where MATINEE_REPLICA_URL names one.

Nothing does by itself: only what `read_where_it_may_lag` is given. A person's own state may not, nor what builds the
catalogue's artifacts, which takes the changes that it has read off the outbox.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as AnyDatabaseError
from django.db.models import Model

logger = logging.getLogger(__name__)

RESULT = TypeVar("RESULT")

REPLICA = "replica"
"""Django's name for it."""
LAGS_AT_MOST_SECONDS = 600
"""A primary that nobody writes to for longer looks like one that is not followed: then it has the time to be read."""
BEHIND = """
SELECT CASE WHEN pg_is_in_recovery() THEN EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()) END
"""
"""Nothing where it follows nobody, as once it was made the primary: then nobody knows what it lacks."""
_is_read = ContextVar("reads may lag", default=False)


class Router:
    """Django's database router, which the settings name only where there is a replica. None leaves the choice to
    Django: rows are saved where they were read from, which may be the database of a backup that is being made ready."""

    def db_for_read(self, _model: object, instance: Model | None = None, **_hints: Any) -> str | None:
        return REPLICA if _is_read.get() else _back(instance)

    def db_for_write(self, _model: object, instance: Model | None = None, **_hints: Any) -> str | None:
        return _back(instance)

    def allow_migrate(self, alias: str, _app: str, **_hints: Any) -> bool | None:
        return False if alias == REPLICA else None


def _back(instance: Model | None) -> str | None:
    """The database itself, for a row that was read from the replica: it is written to, and followed, there."""
    return DEFAULT_DB_ALIAS if instance is not None and _database_of(instance) == REPLICA else None


def _database_of(instance: Model) -> str | None:
    return instance._state.db  # noqa: SLF001 - Django's documented name for it


def read_where_it_may_lag(read: Callable[[], RESULT]) -> RESULT:
    """What `read` returns, which it reads from the replica, if there is one that answers and is not far behind.

    Where the replica fails meanwhile, or ends a long read because rows that it needs are gone, `read` begins anew with
    the database itself. So it must do nothing but read.
    """
    if not settings.REPLICA_URL:
        return read()
    reason = why_not_read()
    if reason is None:
        try:
            with _replica():
                return read()
        except AnyDatabaseError as error:
            said = str(error).partition("\n")[0]
            reason = f"it failed meanwhile ({type(error).__name__}: {said})."
    logger.warning("The database itself is read and not its replica: %s", reason)
    return read()


@contextmanager
def _replica() -> Iterator[None]:
    token = _is_read.set(True)
    try:
        yield
    finally:
        _is_read.reset(token)
        connections[REPLICA].close()


def is_read() -> bool:
    """Whether reads come from the replica at this moment."""
    return _is_read.get()


def why_not_read() -> str | None:
    """None where it can be."""
    try:
        with connections[REPLICA].cursor() as cursor:
            cursor.execute(BEHIND)
            (behind,) = cursor.fetchone()
    except AnyDatabaseError as error:
        connections[REPLICA].close()
        return f"it does not answer ({type(error).__name__})."
    if behind is None or behind > LAGS_AT_MOST_SECONDS:
        connections[REPLICA].close()
        return f"it is {'of an unknown time' if behind is None else f'{behind:,.0f} s'} behind."
    return None
