"""A second PostgreSQL, which follows the one that the tests run on as standbys do: by its write-ahead log."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.operations.processes import eventually

PORT = 5433
"""Of its socket, in a folder of its own; no other machine can reach it."""
CONFIGURATION = {"listen_addresses": "", "fsync": "off", "log_statement": "all"}


def primary() -> str:
    """The address of the database of this test."""
    return make_conninfo(settings.DATABASE_URL, dbname=str(connection.settings_dict["NAME"]))


class Standby:
    def __init__(self, folder: Path, user: str | None) -> None:
        self._folder = folder
        self._user = user
        self._log = folder / "standby.log"

    def settings(self) -> dict[str, Any]:
        """As Django's settings name it."""
        return {**connection.settings_dict, "HOST": str(self._folder), "PORT": PORT}

    def copy_the_primary(self) -> None:
        self._run(
            "pg_basebackup", "--dbname", settings.DATABASE_URL, "--pgdata", self._folder, "--write-recovery-conf",
            "--checkpoint=fast", "--no-sync",
        )  # fmt: skip

    def start(self) -> None:
        options = [f"-c {name}='{value}'" for name, value in CONFIGURATION.items()]
        options += [f"-k {self._folder}", f"-p {PORT}"]
        self._run("pg_ctl", "--pgdata", self._folder, "--log", self._log, "-o", " ".join(options), "--wait", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "--pgdata", self._folder, "--mode", "immediate", "stop")

    def ask(self, question: str) -> Any:
        """The one value of its answer."""
        with self._session() as session:
            row = session.execute(question).fetchone()
        assert row is not None
        return row[0]

    def catch_up(self) -> None:
        """Until it has all that was written before: what nobody has committed as well, like the lock of a table."""
        with psycopg.connect(primary(), autocommit=True) as session:
            row = session.execute("SELECT pg_logical_emit_message(true, 'catch up', '')").fetchone()
        assert row is not None
        assert eventually(lambda: bool(self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'")))

    @contextmanager
    def without_patience(self) -> Iterator[None]:
        """Whoever holds up what comes from the primary is ended at once, and not half a minute later."""
        self._configure("SET max_standby_streaming_delay = 0")
        yield
        self._configure("RESET max_standby_streaming_delay")

    @contextmanager
    def asked(self) -> Iterator[list[str]]:
        """The lines of its log that name a statement, once the context is over."""
        before, statements = self._log.stat().st_size, list[str]()
        yield statements
        with self._log.open("rb") as log:
            log.seek(before)
            lines = log.read().decode().splitlines()
        statements.extend(line for line in lines if "statement:" in line or "execute " in line)

    def _configure(self, what: str) -> None:
        with self._session() as session:
            session.execute(f"ALTER SYSTEM {what}")
            session.execute("SELECT pg_reload_conf()")

    def _session(self) -> psycopg.Connection:
        return psycopg.connect(make_conninfo(primary(), host=str(self._folder), port=PORT), autocommit=True)

    def _run(self, program: str, *arguments: object) -> None:
        command = [program, *map(str, arguments)]
        with tempfile.TemporaryFile("w+") as said:  # a server that it starts keeps a pipe open
            done = subprocess.run(command, user=self._user, stdout=said, stderr=said, check=False, timeout=60)
            said.seek(0)
            assert done.returncode == 0, said.read()


@contextmanager
def standby() -> Iterator[Standby]:
    """Follows from now on."""
    user = None
    if os.geteuid() == 0:  # PostgreSQL does not run as root: the tests' own server runs as this
        user = "pgserver"
    folder = Path(tempfile.mkdtemp(prefix="standby-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        server = Standby(folder, user)
        server.copy_the_primary()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
