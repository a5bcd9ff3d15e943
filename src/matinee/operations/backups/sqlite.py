"""SQLite: copied and put back by its own backup API, under its own locks, so that others may go on reading."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from django.db import connection, connections

from matinee.core.progress import Progress
from matinee.operations.backups.engines import STAGED, Content, Staged

PAGES = 4_096
"""Copied at once; between two times the bar moves."""
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"


class Sqlite:
    def copy(self, target: Path, on_progress: Progress) -> Content:
        with closing(opened(_live())) as source, closing(opened(target)) as copy:
            source.execute("BEGIN")
            found = content(source)  # the first read takes the snapshot, which no writer disturbs from then on
            with _full_disk_told():
                source.backup(copy, pages=PAGES, progress=_told(on_progress, "Copying the database"))
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole in itself
        return found

    @contextlib.contextmanager
    def staged(self, copy: Path, on_progress: Progress) -> Iterator[Staged]:
        def put_in_place() -> None:
            with closing(opened(copy)) as source, closing(opened(_live())) as target:
                target.execute("PRAGMA journal_mode=WAL")
                with _full_disk_told():
                    source.backup(target, pages=PAGES, progress=_told(on_progress, "Putting it in place"))

        yield Staged({**connection.settings_dict, "NAME": str(copy)}, put_in_place)

    def faults(self) -> list[str]:
        with connections[STAGED].cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            found = [str(row[0]) for row in cursor.fetchall() if row[0] != "ok"]
            cursor.execute("PRAGMA foreign_key_check")
            return found + [f"{row[0]} points to a row of {row[2]} that is not there" for row in cursor.fetchall()]


def _live() -> Path:
    return Path(connection.settings_dict["NAME"])


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=20, isolation_level=None)


def content(source: sqlite3.Connection) -> Content:
    tables = [str(row[0]) for row in source.execute(TABLES)]
    rows = {table: int(source.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0]) for table in tables}  # noqa: S608 - a name that the database gave
    migrations = (
        source.execute("SELECT app, name FROM django_migrations ORDER BY id") if "django_migrations" in rows else ()
    )
    return Content(rows, [list(row) for row in migrations])


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    """As every other write to a full disk: raises OSError."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "disk is full" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error


def _told(on_progress: Progress, stage: str) -> Callable[[int, int, int], None]:
    """How the backup API tells how far it is, in the terms of a bar."""
    done = 0

    def tell(_status: int, remaining: int, total: int) -> None:
        nonlocal done
        on_progress(stage, total - remaining - done, total)
        done = total - remaining

    return tell
