"""PostgreSQL: dumped and restored by its own programs; a restored database takes the live one's name in one step."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg import pq, sql

from matinee.core.progress import Progress
from matinee.operations.backups.engines import Content, Staged
from matinee.operations.backups.refusals import MayNotCreateDatabases, ToolFailed, ToolMissing, UnderWay, WouldOverwrite

MAINTENANCE = ("postgres", "template1")
"""On every server. One is connected to the first of them that is not the live one while others are made and renamed."""
ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(1835103085, hashtext(%s))"  # a number of ours, and the database
LOOK_EVERY_SECONDS = 0.5
TRIES = 5
"""At taking the name of a database: who connects anew in that very moment stands in the way."""
AT_ONCE = min(os.cpu_count() or 1, 4)
"""Tables that are filled, or indexes and constraints that are made, by a connection each."""
WHILE_RESTORING = f"-c synchronous_commit=off -c maintenance_work_mem={256 // AT_ONCE}MB"
"""Nobody sees a part of it, and the commit that renames the database waits until all before it is on disk. All
connections together take the memory of one index that is made."""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
HAS_TABLES = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))"
LIKE_THE_LIVE_ONE = """
SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s
"""
MARK = "Made by a backup or restore of Matinee, which drops it."
"""The comment on each database of ours but the live one, since its name may be somebody else's."""
COMMENT_ON = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
DISCONNECT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()"
)


class Postgresql:
    def copy(self, target: Path, on_progress: Progress) -> Content:
        dump, restore = _tool("pg_dump"), _tool("pg_restore")
        with connected(_live()) as source:
            source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = _value(source.execute("SELECT pg_export_snapshot()"))
            found = content(source)
            options = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            _run([dump, *options, f"--file={target}"], on_look=_growth(target, on_progress))  # the archive packs it
        _run([restore, "--file=-", str(target)])  # it can be read to its end
        return found

    @contextlib.contextmanager
    def staged(self, copy: Path, on_progress: Progress) -> Iterator[Staged]:
        restore = _tool("pg_restore")
        with self.empty(on_progress) as staged:
            on_progress("Making a database of it", 0, None)
            options = ["--exit-on-error", "--no-owner", "--no-privileges", f"--jobs={AT_ONCE}"]
            database = f"--dbname={staged.settings['NAME']}"
            _run([restore, *options, database, str(copy)], server_settings=WHILE_RESTORING)
            yield staged

    @contextlib.contextmanager
    def empty(self, on_progress: Progress) -> Iterator[Staged]:
        """Make a database without tables; it is gone at the end. Raises MayNotCreateDatabases."""
        live = _live()
        name, before = f"{live}_staged", f"{live}_before"

        def put_in_place() -> None:
            on_progress("Analyzing", 0, None)
            with connected(name) as made:
                made.execute("ANALYZE")  # else the first hours' plans know of no row
            _take_the_name(server, name, live, before)

        with connected(next(other for other in MAINTENANCE if other != live)) as server:
            if not _value(server.execute(ONE_AT_A_TIME, [live])):
                raise UnderWay("Another backup or restore works on this database.")
            _drop(server, name, before)  # left by one that was killed
            _create(server, name, like=live)
            try:
                staged = {**connection.settings_dict, "NAME": name}
                yield Staged(staged, put_in_place)
            finally:
                _drop(server, name, before)
                server.execute("SELECT pg_advisory_unlock_all()")  # that a connection was closed is noticed later

    def faults(self) -> list[str]:
        return []  # pg_restore made every constraint anew, each of which looked at every row


def _live() -> str:
    return str(connection.settings_dict["NAME"])


def _take_the_name(server: psycopg.Connection, name: str, live: str, before: str) -> None:
    connections.close_all()
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    for tries_left in reversed(range(TRIES)):
        server.execute(DISCONNECT, [[name, live]])
        try:
            with server.transaction():
                server.execute(rename.format(sql.Identifier(live), sql.Identifier(before)))
                server.execute(rename.format(sql.Identifier(name), sql.Identifier(live)))
                _comment(server, before, MARK)
                _comment(server, live, None)
        except psycopg.errors.ObjectInUse:
            if not tries_left:
                raise UnderWay("Others connect to the database again and again: stop them first.") from None
        else:
            return


def _create(server: psycopg.Connection, name: str, *, like: str) -> None:
    encoding, collate, ctype = map(sql.Literal, server.execute(LIKE_THE_LIVE_ONE, [like]).fetchall()[0])
    template = "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}"
    try:
        server.execute(sql.SQL(template).format(sql.Identifier(name), encoding, collate, ctype))
    except psycopg.errors.InsufficientPrivilege as error:
        raise MayNotCreateDatabases(
            f"This role may not create the second database that it takes: ALTER ROLE {server.info.user} CREATEDB."
        ) from error
    _comment(server, name, MARK)


def _comment(server: psycopg.Connection, name: str, comment: str | None) -> None:
    server.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(comment)))


def _drop(server: psycopg.Connection, *names: str) -> None:
    """Drop these databases, where they are there. Raises WouldOverwrite where one is not ours."""
    for name in names:
        there = server.execute(COMMENT_ON, [name]).fetchone()
        if there is not None and there[0] != MARK and not _is_empty(name):  # it may have been killed before it marked
            raise WouldOverwrite(
                f"There is a database {name} that no backup or restore is known to have made. It takes that name: "
                "rename the other one, or drop it if it is not needed."
            )
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _is_empty(name: str) -> bool:
    with connected(name) as database:
        return not _value(database.execute(HAS_TABLES))


def content(source: psycopg.Connection) -> Content:
    tables = [str(row[0]) for row in source.execute(TABLES)]
    count = sql.SQL("SELECT COUNT(*) FROM {}")
    rows = {table: int(_value(source.execute(count.format(sql.Identifier(table))))) for table in tables}
    migrations = (
        source.execute("SELECT app, name FROM django_migrations ORDER BY id") if "django_migrations" in rows else ()
    )
    return Content(rows, [list(row) for row in migrations])


def _value(cursor: psycopg.Cursor[Any]) -> Any:
    row = cursor.fetchone()
    return None if row is None else row[0]


def connected(database: str) -> psycopg.Connection:
    with connection.wrap_database_errors:  # so that a server that is away is the same to whoever asks for a copy
        return psycopg.connect(**{**_parameters(), "dbname": database}, autocommit=True)


def _parameters() -> dict[str, Any]:
    """What libpq, and so every program of PostgreSQL, needs to reach the server; Django's own options left out."""
    known = _environment_variables()
    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name in known and value is not None}


def _environment_variables() -> Mapping[str, str]:
    """Of each parameter of libpq that has one."""
    options = pq.Conninfo.get_defaults()
    return {option.keyword.decode(): option.envvar.decode() for option in options if option.envvar}


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise ToolMissing(
            f"{name} is not on the PATH. PostgreSQL's client programs bring it; they must be as new as the server."
        )
    return path


def _run(command: Sequence[str], *, server_settings: str = "", on_look: Callable[[], None] = lambda: None) -> None:
    """The password goes by the environment, where other people on this machine can't read it."""
    variables = _environment_variables()
    environment = os.environ | {variables[name]: str(value) for name, value in _parameters().items()}
    environment["PGOPTIONS"] = f"{environment.get('PGOPTIONS', '')} {server_settings}".strip()
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **quiet) as process:  # type: ignore[call-overload] # noqa: S603 - three fixed programs
        try:
            errors = _end(process, on_look)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise ToolFailed(f"{Path(command[0]).name} ended with an error: {errors.strip()}")


def _end(process: subprocess.Popen[str], on_look: Callable[[], None]) -> str:
    while True:
        try:
            return process.communicate(timeout=LOOK_EVERY_SECONDS)[1]
        except subprocess.TimeoutExpired:
            on_look()


def _growth(file: Path, on_progress: Progress) -> Callable[[], None]:
    seen = 0

    def look() -> None:
        nonlocal seen
        size = file.stat().st_size if file.exists() else 0
        on_progress("Copying the database", size - seen, None)
        seen = size

    return look
