"""Where requests are counted: in a file that the workers of one machine share, in Valkey for several machines, and,
while that is away, in this process alone.

A counter belongs to one window of time. It is never read by itself, only added to: adding returns the new value, so
that one atomic step both counts a request and tells how many came before it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Protocol

BUSY_SECONDS = 1.0
VALKEY_SECONDS = 0.25
KEPT_SECONDS = 600

TABLE = """
CREATE TABLE IF NOT EXISTS hits (
    window INTEGER NOT NULL, key TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (window, key)
) WITHOUT ROWID
"""
ADD = """
INSERT INTO hits (window, key, used) VALUES (?, ?, ?)
ON CONFLICT (window, key) DO UPDATE SET used = used + excluded.used RETURNING used
"""


class CountersAway(Exception):
    """The counters can't be reached or written; the message says why."""


class Counters(Protocol):
    def add(self, key: str, *, window: int, amount: int) -> int:
        """What `key` has come to in `window`, with `amount`. Raises CountersAway."""


class OwnCounters:
    """In this process: nothing of other processes is in them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._used: dict[str, int] = {}

    def add(self, key: str, *, window: int, amount: int) -> int:
        with self._lock:
            if window != self._window:
                self._window, self._used = window, {}
            used = self._used[key] = self._used.get(key, 0) + amount
            return used


class FileCounters:
    """In an SQLite file of their own, which is not synced, so that a count costs microseconds. After a power failure it
    may be damaged; who starts the service begins it anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened_by = 0
        self._window = 0

    def add(self, key: str, *, window: int, amount: int) -> int:
        try:
            with self._lock:
                connection = self._open()
                if window != self._window:
                    connection.execute("DELETE FROM hits WHERE window < ?", (window - 1,))
                    self._window = window
                [(used,)] = connection.execute(ADD, (window, key, amount))
                return int(used)
        except sqlite3.Error as error:
            raise CountersAway(f"{self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        """The connection of this process: one that came over from before a fork is not to be used."""
        if self._connection is None or self._opened_by != os.getpid():
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            _set_up(connection)
            self._connection, self._opened_by = connection, os.getpid()
        return self._connection


def _set_up(connection: sqlite3.Connection) -> None:
    """Of several that open a new file at once all but one wait for its mode, which SQLite does not do for them."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", TABLE):
                connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def begin_anew(path: Path) -> None:
    """Remove the counters' file, as before the first process opens it: no count is older than a minute."""
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        name.unlink(missing_ok=True)


class ValkeyCounters:
    """In Valkey, or Redis, which all machines share. What does not answer at once is away."""

    def __init__(self, url: str) -> None:
        import redis  # noqa: PLC0415 - a third of a second, and only where it is used

        self._errors = redis.RedisError
        self._client = redis.Redis.from_url(url, socket_timeout=VALKEY_SECONDS, socket_connect_timeout=VALKEY_SECONDS)

    def refuse_if_away(self) -> None:
        try:
            self._client.ping()
        except self._errors as error:
            raise CountersAway(f"Valkey: {error}") from error

    def add(self, key: str, *, window: int, amount: int) -> int:
        name = f"matinee:hits:{window}:{key}"
        try:
            both = self._client.pipeline()
            both.incrby(name, amount)
            both.expire(name, KEPT_SECONDS)
            used, _ = both.execute()
        except self._errors as error:
            raise CountersAway(f"Valkey: {error}") from error
        return int(used)
