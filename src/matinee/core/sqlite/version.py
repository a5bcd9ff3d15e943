"""Which SQLite runs. Versions 3.7.0 to 3.51.2 can corrupt a WAL database that two connections write and
checkpoint; Python's own is often older than the fix, so the `pysqlite3` wheel takes its place where it is newer.
"""

from __future__ import annotations

import sqlite3
import sys

FIRST_SOUND_VERSION = (3, 51, 3)


def prefer_sound_version() -> None:
    """Let `pysqlite3` stand in for the standard module, before Django imports it, if the latter is unsound."""
    if sqlite3.sqlite_version_info >= FIRST_SOUND_VERSION:
        return
    try:
        import pysqlite3  # noqa: PLC0415 - optional: its wheel is for Linux alone
        from pysqlite3 import dbapi2  # noqa: PLC0415 - optional: its wheel is for Linux alone
    except ImportError:
        return
    if pysqlite3.sqlite_version_info > sqlite3.sqlite_version_info:
        sys.modules["sqlite3"] = pysqlite3
        sys.modules["sqlite3.dbapi2"] = dbapi2


def running_version() -> str:
    return ".".join(map(str, sys.modules["sqlite3"].sqlite_version_info))


def warning() -> str | None:
    """A sentence about the running version when it is one of the unsound ones, else None."""
    if tuple(sys.modules["sqlite3"].sqlite_version_info) >= FIRST_SOUND_VERSION:
        return None
    return (
        f"SQLite {running_version()} can corrupt a database that several processes write. "
        "Install the pysqlite3 package (0.6.1 or later), or a Python with SQLite 3.51.3 or later."
    )
