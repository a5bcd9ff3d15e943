"""From SQLite to PostgreSQL: a backup of the one is made ready as it is, then copied into a new database of the other.

Both stand at the same migrations, and so hold the same tables and columns. Each value goes as its text, which
PostgreSQL reads by the type of its column: 1 as true, the hexadecimal digits of a job's id as a UUID.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
from django.db import connection
from psycopg import sql

from matinee.core.progress import Progress
from matinee.operations.backups import postgresql
from matinee.operations.backups import sqlite as sqlite_files
from matinee.operations.backups.engines import Content, Staged, known_to_django, migrate
from matinee.operations.backups.refusals import BadArchive

AT_ONCE = 1_000
"""Rows; between two times the bar moves."""
FOREIGN_KEYS = """
SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""
GIVEN_IDS = "SELECT name, seq FROM sqlite_sequence WHERE seq > 0"
GO_ON_AFTER = "SELECT setval(pg_get_serial_sequence(quote_ident(%s), %s), %s)"
PLACE = re.compile(r"^COPY \w+, line (\d+)(?:, column (\w+))?", re.MULTILINE)
"""Where PostgreSQL says that it was when it refused a row."""


class FromSqlite(sqlite_files.Sqlite):
    """Restores a backup of SQLite into an instance that uses PostgreSQL."""

    @contextlib.contextmanager
    def staged(self, copy: Path, on_progress: Progress) -> Iterator[Staged]:
        with postgresql.Postgresql().empty(on_progress) as target:

            def put_in_place() -> None:
                with known_to_django(target) as alias:
                    migrate(alias)
                _fill(str(target.settings["NAME"]), copy, on_progress)
                target.put_in_place()

            of_sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(copy), "OPTIONS": {}}
            yield Staged({**connection.settings_dict, **of_sqlite}, put_in_place)


def _fill(database: str, copy: Path, on_progress: Progress) -> None:
    """Have a migrated database hold what the copy holds, in one transaction. Raises BadArchive."""
    with (
        connection.wrap_database_errors,
        closing(sqlite_files.opened(copy)) as source,
        closing(postgresql.connected(database)) as target,
        target.transaction(),
    ):
        held = sqlite_files.content(source)
        tables = _in_both(held, postgresql.content(target))
        target.execute("SET LOCAL TIME ZONE 'UTC'")  # SQLite's instants name none
        with _unguarded(target, tables):
            names = sql.SQL(", ").join(map(sql.Identifier, tables))
            target.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))  # what the migrations put there
            for table in tables:
                _copy(table, source, target, on_progress, sum(held.rows.values()))
        for table, last in source.execute(GIVEN_IDS).fetchall():
            if table in tables:
                target.execute(GO_ON_AFTER, [table, _key(table, source)[0], last])
        arrived = postgresql.content(target)
        if lost := [table for table in tables if arrived.rows[table] != held.rows[table]]:
            raise BadArchive(f"Not every row of {', '.join(lost)} has arrived in PostgreSQL.")


def _in_both(held: Content, made: Content) -> list[str]:
    """Raises BadArchive where rows would be left behind."""
    if strange := [table for table, rows in held.rows.items() if rows and table not in made.rows]:
        raise BadArchive(
            f"This program makes no {', '.join(strange)} in PostgreSQL, and the backup holds rows of it. If nothing "
            "needs them, drop what holds them in SQLite and make a backup of that."
        )
    return [table for table in held.rows if table in made.rows]


@contextlib.contextmanager
def _unguarded(target: psycopg.Connection, tables: Collection[str]) -> Iterator[None]:
    """Without triggers, which would take rows for news or refuse them, and without foreign keys, which are made anew at
    the end by one look at all rows."""
    keys = target.execute(FOREIGN_KEYS).fetchall()
    for table, name, _ in keys:
        target.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name)))
    for table in tables:
        target.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
    yield
    for table in tables:
        target.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))
    for table, name, definition in keys:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(sql.Identifier(table), sql.Identifier(name))
        target.execute(add + sql.SQL(definition))


def _copy(
    table: str, source: sqlite3.Connection, target: psycopg.Connection, on_progress: Progress, whole: int
) -> None:
    """All rows, in the order in which SQLite reads them. Raises BadArchive at one that PostgreSQL does not take."""
    columns = [str(row[1]) for row in source.execute(f'PRAGMA table_info("{table}")')]
    read = "SELECT {} FROM {}".format(", ".join(f'"{column}"' for column in columns), f'"{table}"')  # noqa: S608 - names that the database gave
    take = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    written = 0
    try:
        with target.cursor() as cursor, cursor.copy(take) as copy:
            rows = source.execute(read)
            while some := rows.fetchmany(AT_ONCE):
                for row in some:
                    copy.write_row(row)
                    written += 1
                on_progress("Moving it to PostgreSQL", len(some), whole)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        place = PLACE.search(error.diag.context or "")
        found = source.execute(f"{read} LIMIT 1 OFFSET ?", [int(place[1]) - 1 if place else written]).fetchall()
        row = dict(zip(columns, found[0], strict=True)) if found else {}
        key = ", ".join(f"{name} {row.get(name)}" for name in _key(table, source))
        column = f"{place[2]}: " if place and place[2] else ""
        raise BadArchive(
            f"PostgreSQL does not take the row of {table} with {key}: {column}{error.diag.message_primary or error}. "
            "Correct it where it comes from and make a backup of that."
        ) from error
    except sqlite3.OperationalError as error:
        raise BadArchive(f"A row of {table} can't be read, after {written:,} others: {error}.") from error


def _key(table: str, source: sqlite3.Connection) -> list[str]:
    """The columns of its primary key."""
    return [str(row[1]) for row in source.execute(f'PRAGMA table_info("{table}")') if row[5]]
