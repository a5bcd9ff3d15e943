"""PostgreSQL turns read-only or away beneath a service and comes back: what can be answered is, without a restart."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from benchmarks.http import place
from django.conf import settings
from psycopg import sql

from tests.operations.instances import database, started_on
from tests.operations.outages import ELSEWHERE_BUSY, WRONG_PASSWORD, crowd, is_kept_up
from tests.operations.processes import get
from tests.operations.test_killed_processes import FILMS, NO_LIMITS, PASSWORD, ask, prepared

pytestmark = pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="SQLite is a file of this machine, not a server.")

COMMAND = ("serve", "--workers", "2", "--web-only")


@contextmanager
def a_postgresql() -> Iterator[str]:
    """The address of a server of its own, whose other databases are nobody's."""
    with tempfile.TemporaryDirectory(prefix="matinee-pg-") as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", folder)  # that of the other server is another user's
        with place.postgresql(Path(folder, "postgresql")) as server:
            yield server.get_uri()


@contextmanager
def read_only(server: str) -> Iterator[None]:
    """From the next transaction of each connection on, as hosts do it whose disk is nearly full."""

    def turn(value: str) -> None:
        with psycopg.connect(server, autocommit=True) as rows:
            rows.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            rows.execute("SELECT pg_reload_conf()")

    turn("on")
    try:
        yield
    finally:
        turn("off")


@contextmanager
def away(server: str, name: str) -> Iterator[None]:
    """The database of that name takes no connections, and has ended those that there were."""

    def turn(*, allowed: bool) -> None:
        with psycopg.connect(server, autocommit=True) as rows:
            database_, value = sql.Identifier(name), sql.Literal(allowed)
            rows.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(database_, value))
            rows.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    turn(allowed=False)
    try:
        yield
    finally:
        turn(allowed=True)


def test_while_it_is_read_only_reads_are_answered_and_writes_are_told_to_come_again(tmp_path: Path) -> None:
    told = []

    @contextmanager
    def read_only_and_asked(server: str, port: int, token: str) -> Iterator[None]:
        with read_only(server):
            yield
            told.append(ask(port, "POST", f"movies/{FILMS[0]}/rate/", {"rating": 5}, token))
            told.append(ask(port, "POST", "users/login/", {"username": "alice", "password": PASSWORD}))

    with a_postgresql() as server, database(server) as url:
        prepared(url, tmp_path)
        with started_on(url, tmp_path, *COMMAND, MATINEE_LIMIT_SIGN_IN="0", **NO_LIMITS) as instance:
            with crowd(instance) as people:
                token = people.writers[0].token
                outage = people.through(read_only_and_asked(server, instance.port, token))
            lost = [writer.lost(instance.port) for writer in people.writers]

    is_kept_up(outage)
    assert [(status, problem["code"]) for status, problem in told] == [(503, "unavailable")] * 2
    assert set(outage.writes) <= {"200", "201", "503", *ELSEWHERE_BUSY}
    assert outage.writes["503"]
    assert "503" in outage.tries[WRONG_PASSWORD]
    assert lost == [[]] * len(lost)


def test_while_it_is_away_the_service_says_so_and_goes_on_once_it_is_back(tmp_path: Path) -> None:
    probes = {}

    @contextmanager
    def away_and_probed(name: str, port: int) -> Iterator[None]:
        with away(settings.DATABASE_URL, name):
            yield
            probes.update({path: get(port, path) for path in ("/livez", "/readyz")})

    with database() as url:
        prepared(url, tmp_path)
        with psycopg.connect(url) as rows:
            name = rows.info.dbname
        with started_on(url, tmp_path, *COMMAND, MATINEE_LIMIT_SIGN_IN="0", **NO_LIMITS) as instance:
            with crowd(instance) as people:
                outage = people.through(away_and_probed(name, instance.port))
            lost = [writer.lost(instance.port) for writer in people.writers]

    assert {path: status for path, (status, _) in probes.items()} == {"/livez": 200, "/readyz": 503}
    assert not json.loads(probes["/readyz"][1])["checks"]["database"]["ok"]
    assert outage.writes["503"]
    assert set(outage.writes) <= {"200", "201", "503", *ELSEWHERE_BUSY}
    for answers in outage.reads.values():
        assert set(answers) <= {"200", "503", *ELSEWHERE_BUSY}
    for answers in outage.tries.values():
        assert set(answers) <= {"401", "503", *ELSEWHERE_BUSY}
    assert lost == [[]] * len(lost)
