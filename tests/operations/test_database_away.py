"""PostgreSQL turns read-only or away beneath a service and comes back: what can be answered is, without a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.operations.instances import Instance, database, started_on
from tests.operations.processes import eventually, get
from tests.operations.test_killed_processes import FILMS, NO_LIMITS, PASSWORD, ask, prepared, processes_of

pytestmark = pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="SQLite is a file of this machine, not a server.")

ALICE = {"email": "alice@example.org", "password": PASSWORD}
READS = ("movies/", f"movies/{FILMS[0]}/", "movies/search/?q=film", "movies/recommendations/", "users/profile/")


class Served:
    """An instance that somebody is signed in to, and the database beneath it."""

    def __init__(self, instance: Instance, name: str) -> None:
        self.instance, self.name = instance, name
        self.workers = processes_of(instance)["web worker"]
        self.token = self.asked("POST", "users/register/", ALICE)[1]["access"]

    def asked(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        return ask(self.instance.port, method, path, body, token)

    def written(self, film: int) -> int:
        return self.asked("POST", f"movies/{film}/rate/", {"rating": 5}, token=self.token)[0]

    def turn(self, change: str) -> None:
        """Change how the database takes connections, and end those that there are."""
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
            server.execute(sql.SQL("ALTER DATABASE {} " + change).format(sql.Identifier(self.name)))
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.name])

    def has_the_same_workers(self) -> bool:
        return processes_of(self.instance)["web worker"] == self.workers


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """For all tests here, each of which leaves it as it was."""
    folder = tmp_path_factory.mktemp("served")
    with database() as url:
        prepared(url, folder)
        with (
            psycopg.connect(url) as mine,
            started_on(url, folder, "serve", "--workers", "2", "--web-only", **NO_LIMITS) as instance,
        ):
            name = mine.info.dbname
            mine.close()
            yield Served(instance, name)


def test_while_it_is_read_only_reads_are_answered_and_writes_are_told_to_come_again(served: Served) -> None:
    served.turn("SET default_transaction_read_only = on")

    reads = {path: served.asked("GET", path, token=served.token)[0] for path in READS for _ in range(3)}
    refused, problem = served.asked("POST", f"movies/{FILMS[0]}/rate/", {"rating": 5}, token=served.token)
    signed_in = {served.asked("POST", "users/login/", {**ALICE, "password": word})[0] for word in (PASSWORD, "wrong")}
    served.turn("RESET default_transaction_read_only")

    assert reads == dict.fromkeys(READS, 200)
    assert (refused, problem["code"]) == (503, "unavailable")
    assert signed_in == {503}
    assert eventually(lambda: served.written(FILMS[0]) in {200, 201})
    assert served.has_the_same_workers()


def test_while_it_is_away_the_service_says_so_and_goes_on_once_it_is_back(served: Served) -> None:
    served.turn("ALLOW_CONNECTIONS false")

    refused, problem = served.asked("POST", f"movies/{FILMS[0]}/rate/", {"rating": 5}, token=served.token)
    signed_in, _ = served.asked("POST", "users/login/", ALICE)
    probes = {path: get(served.instance.port, path) for path in ("/livez", "/readyz")}
    served.turn("ALLOW_CONNECTIONS true")

    assert (refused, problem["code"], signed_in) == (503, "unavailable", 503)
    assert {path: status for path, (status, _) in probes.items()} == {"/livez": 200, "/readyz": 503}
    assert not json.loads(probes["/readyz"][1])["checks"]["database"]["ok"]
    assert eventually(lambda: served.written(FILMS[0]) in {200, 201})
    assert served.has_the_same_workers()
