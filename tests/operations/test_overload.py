"""More is asked of a running instance than it can do: who waits, who is refused, and what still answers."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import psutil
import psycopg
import pytest
from benchmarks.http import overload, soak
from benchmarks.http.client import Request
from benchmarks.http.open_loop import FAILED
from benchmarks.http.overload_report import OF_TIME, missed
from benchmarks.http.servers import Server
from django.conf import settings

from matinee.api.overload import MOST_WAITING
from matinee.operations.web import THREADS_BESIDE
from tests.operations.instances import Instance, database, started_on
from tests.operations.processes import eventually, get, readable, tree_of
from tests.operations.test_hostile_connections import OF_THE_SERVER
from tests.operations.test_killed_processes import NO_LIMITS, PASSWORD, READY_AGAIN_WITHIN, ask
from tests.rounds import TIMES, rounds

MOST_CORES_OF_OTHERS = 0.3
"""Where other programs take more, times are theirs as much as ours."""
OPTIONS = argparse.Namespace(films=2_000, community="none", seconds=rounds(6))
AS_TOLD = argparse.Namespace(films=10_000, community="100k", seconds=rounds(6))
"""As `python -m benchmarks.http.overload` asks."""
KILLS, KILLED_EVERY_SECONDS = 3, 6.0
READ = b"GET /api/v1/movies/genres/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
CAME = MOST_WAITING + 50
WITH_A_WORKER_AT_MOST = MOST_WAITING + 16
"""Those who wait, have a turn, or are just told that they may not."""


@contextmanager
def users_locked(url: str, folder: Path) -> Iterator[None]:
    """Who changes their profile meanwhile keeps their turn."""
    if url:
        with psycopg.connect(url) as rows:
            rows.execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
            yield
        return
    with contextlib.closing(sqlite3.connect(folder / "matinee.sqlite3", isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


@contextmanager
def every_turn_taken(instance: Instance, url: str, folder: Path) -> Iterator[None]:
    person = {"email": "alice@example.org", "username": "alice", "password": PASSWORD}
    token = ask(instance.port, "POST", "users/register/", person)[1]["access"]
    statuses: list[int] = []

    def write() -> None:
        statuses.append(ask(instance.port, "PATCH", "users/profile/", {"first_name": "Alice"}, token)[0])

    turns = settings.REQUESTS_AT_ONCE
    threads = [threading.Thread(target=write) for _ in range(turns)]
    with users_locked(url, folder):
        for thread in threads:
            thread.start()
        assert eventually(lambda: not is_answered(instance.port)), "a read waits for its turn"
        yield
    for thread in threads:
        thread.join()
    assert statuses == [200] * turns


def is_answered(port: int) -> bool:
    """Whether a read is, within a second; it is given up then."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(READ)
        return bool(readable([connection], within=1))


def answered(connections: list[socket.socket]) -> list[bytes]:
    return [connection.recv(65_536) for connection in readable(connections)]


def test_where_more_come_than_may_wait_all_who_have_no_turn_are_refused_but_who_came_last(tmp_path: Path) -> None:
    with database() as url, ExitStack() as running:
        command = ("serve", "--web-only", "--workers", "1")
        instance = running.enter_context(started_on(url, tmp_path, *command, **NO_LIMITS))
        address = ("127.0.0.1", instance.port)
        crowd = [running.enter_context(socket.create_connection(address, timeout=60)) for _ in range(CAME)]

        with every_turn_taken(instance, url, tmp_path):
            for connection in crowd[:MOST_WAITING]:
                connection.sendall(READ)
            assert not answered(crowd)
            threads = max(process.num_threads() for process in tree_of(instance.process))
            for connection in crowd[MOST_WAITING:]:
                connection.sendall(READ)
            assert eventually(lambda: len(readable(crowd)) >= CAME - 1)
            alive = get(instance.port, "/livez")[0]
            refused = readable(crowd)
            refusals = answered(refused)

        last = {*crowd}.difference(refused)
        assert eventually(lambda: len(readable([*last])) == 1)
        assert [answer[:13] for answer in answered([*last])] == [b"HTTP/1.1 200 "]
        statuses = Counter(get(instance.port, "/api/v1/movies/genres/")[0] for _ in range(20))
        counted = re.search(rb"^matinee_overload_refusals_total (\d+)", get(instance.port, "/metrics")[1], re.M)

    assert threads <= THREADS_BESIDE + settings.REQUESTS_AT_ONCE + OF_THE_SERVER
    assert alive == 200
    assert all(answer.startswith(b"HTTP/1.1 503 ") and b"problem+json" in answer for answer in refusals)
    assert all(re.search(rb"\r\nretry-after: [1-9]", answer) for answer in refusals)
    assert counted
    assert int(counted[1]) >= len(refusals) == CAME - 1
    assert statuses == {200: 20}


@pytest.mark.skipif(TIMES == 1, reason="Times are asserted by `make soak` alone.")
def test_three_times_what_can_be_answered_is_refused_soon_and_harms_nobody_else(tmp_path: Path) -> None:
    with database() as url, ExitStack() as stack:
        figures = overload.measured(tmp_path / "served", AS_TOLD, stack, url=url or None)

    wrong = {*missed(asdict(figures))}
    assert not wrong - OF_TIME.keys(), figures
    if wrong and figures.others_cores > MOST_CORES_OF_OTHERS:
        pytest.skip(f"Other programs took {figures.others_cores:.1f} cores: nothing is said of times, {sorted(wrong)}.")
    assert not wrong, figures


@pytest.mark.skipif(TIMES == 1, reason="`make soak` alone fills a database for it.")
def test_a_web_worker_that_is_killed_where_too_much_is_asked_takes_no_more_with_it_than_it_had(tmp_path: Path) -> None:
    back_after: list[float] = []

    def kill(server: Server) -> None:
        for _ in range(KILLS):
            time.sleep(KILLED_EVERY_SECONDS)
            tree = psutil.Process(server.pid)
            victim, *others = soak.web_workers(tree)
            os.kill(victim, signal.SIGKILL)
            killed_at = time.monotonic()
            eventually(lambda: len({*soak.web_workers(tree)} - {victim}) > len(others))  # noqa: B023 - called here
            back_after.append(time.monotonic() - killed_at)

    with database() as url, ExitStack() as stack:
        server, requests = overload.served(tmp_path / "served", OPTIONS, stack, url=url or None)
        rate = overload.TIMES * soak.most(server, [server.token], requests)
        killing = threading.Thread(target=kill, args=[server])
        killing.start()
        outcome = overload.crowd(server, [server.token], requests, [(rate, (KILLS + 1) * KILLED_EVERY_SECONDS)])
        killing.join()
        statuses = Counter(server.ask(Request("GET", "/api/v1/movies/"), signed_in=True).status for _ in range(20))

    came = Counter(outcome.status.tolist())
    assert {*came} <= {200, 201, 204, 503, FAILED}, came
    assert came[FAILED] <= KILLS * WITH_A_WORKER_AT_MOST, came
    assert max(back_after) <= READY_AGAIN_WITHIN, back_after
    assert statuses == {200: 20}
