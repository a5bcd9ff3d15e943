"""kill -9 of any process under load: no acknowledged write is lost, and nothing fails but what was in flight."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

from matinee.api.overload import TOO_MUCH
from tests.operations.instances import Instance, database, environment_of, started_on
from tests.operations.processes import eventually
from tests.rounds import TIMES, rounds

logger = logging.getLogger(__name__)
WRITERS = 8
PASSWORD = "correct horse battery staple"
NO_LIMITS = {"MATINEE_LIMIT_WRITES": "0", "MATINEE_LIMIT_READS": "0", "MATINEE_LIMIT_REGISTER": "0"}
FILMS = (603, 11, 78, 62, 348, 680, 27205, 11036)
ADD_FILMS = f"""
from django.utils.timezone import now
from matinee.catalog.models import Movie
for number in {FILMS}:
    Movie.objects.create(tmdb_id=number, title=f"Film {{number}}", created_at=now(), updated_at=now())
"""
KINDS = {"job worker": "jobs: ", "web worker": "web worker", "web server": "web server "}
"""And how the name of each process begins."""
IN_FLIGHT = {"job worker": 0, "web worker": WRITERS, "web server": WRITERS}
"""So many requests at most were with the process that is killed, where another one answers beside it."""
NO_ANSWER = "none"
READY_AGAIN_WITHIN = 5.0
"""Seconds; asserted where there are more rounds than one."""


def ask(port: int, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        asking.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
        answer = asking.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None
    finally:
        asking.close()


class Busy(Protocol):
    def work(self, port: int, stop: threading.Event) -> None: ...


@contextmanager
def at_work(port: int, people: Sequence[Busy]) -> Iterator[None]:
    """Each in a thread of their own."""
    stop = threading.Event()
    threads = [threading.Thread(target=person.work, args=(port, stop)) for person in people]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def called(status: int, told: Any) -> str:
    """How an answer is counted: one that says that too much is asked for apart from what else is not well."""
    return TOO_MUCH if status == 503 and told["detail"] == TOO_MUCH else str(status)


@dataclass
class Writer:
    """Somebody who rates films without end, and remembers what was acknowledged and what may have happened."""

    token: str
    seed: int
    pause_seconds: float = 0.0
    acknowledged: dict[int, int] = field(default_factory=dict)
    attempted: dict[int, set[int]] = field(default_factory=dict)
    """All that was tried since then and not answered: it may have been done or not."""
    answers: Counter[str] = field(default_factory=Counter)

    def work(self, port: int, stop: threading.Event) -> None:
        lots = random.Random(self.seed)
        while not stop.wait(self.pause_seconds):
            film, stars = lots.choice(FILMS), lots.randint(1, 5)
            self.attempted.setdefault(film, set()).add(stars)
            try:
                status, told = ask(port, "POST", f"movies/{film}/rate/", {"rating": stars}, self.token)
            except (OSError, http.client.HTTPException):
                self.answers[NO_ANSWER] += 1
                time.sleep(0.05)
                continue
            self.answers[called(status, told)] += 1
            if status in {200, 201}:
                self.acknowledged[film] = stars
                del self.attempted[film]

    def lost(self, port: int) -> list[tuple[int, int, int | None]]:
        """(film, acknowledged, found) where what is found is neither that nor what was tried after it."""
        _, page = ask(port, "GET", "movies/ratings/?page_size=100", token=self.token)
        found = {card["tmdb_id"]: card["rating"] for card in page["results"]}
        return [
            (film, stars, found.get(film))
            for film, stars in self.acknowledged.items()
            if found.get(film) not in {stars, *self.attempted.get(film, ())}
        ]


@contextmanager
def load(port: int, *, pause_seconds: float = 0.0) -> Iterator[list[Writer]]:
    writers = []
    for number in range(WRITERS):
        body = {"email": f"writer{number}@example.org", "password": PASSWORD, "username": f"writer{number}"}
        status, answer = ask(port, "POST", "users/register/", body)
        if status == 409:
            status, answer = ask(port, "POST", "users/login/", {"username": body["username"], "password": PASSWORD})
        assert status in {200, 201}, answer
        writers.append(Writer(answer["access"], number, pause_seconds))
    with at_work(port, writers):
        yield writers


def processes_of(instance: Instance) -> dict[str, list[int]]:
    """The pids below the supervisor, by what they do; a process that ends meanwhile is in none."""
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for child in psutil.Process(instance.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            for kind, beginning in KINDS.items():
                if child.name().startswith(beginning):
                    found[kind].append(child.pid)
    return found


def answered(writers: list[Writer]) -> int:
    return sum(sum(writer.answers.values()) - writer.answers[NO_ANSWER] for writer in writers)


def unanswered(writers: list[Writer]) -> int:
    return sum(writer.answers[NO_ANSWER] for writer in writers)


def prepared(url: str, folder: Path) -> None:
    for command in (["migrate", "--verbosity", "0"], ["shell", "--verbosity", "0", "--command", ADD_FILMS]):
        arguments = [sys.executable, "-m", "matinee.cli", *command]
        subprocess.run(arguments, env=os.environ | environment_of(url, folder), check=True, capture_output=True)


@pytest.mark.parametrize(
    "workers",
    [2, pytest.param(1, marks=pytest.mark.skipif(TIMES == 1, reason="`make soak` alone kills the only web worker."))],
)
def test_no_acknowledged_write_is_lost_and_nothing_fails_but_what_was_in_flight(tmp_path: Path, workers: int) -> None:
    with database() as url:
        prepared(url, tmp_path)
        with started_on(url, tmp_path, "serve", "--workers", str(workers), **NO_LIMITS) as instance:
            assert eventually(lambda: is_whole(instance, workers=workers), within=90)
            with load(instance.port) as writers:
                for turn in range(rounds(3)):
                    kill_one(instance, writers, [*KINDS][turn % len(KINDS)], workers=workers)
                instance.process.kill()
                instance.process.wait()
        with started_on(url, tmp_path, "serve", "--workers", "1", **NO_LIMITS) as again:
            lost = [writer.lost(again.port) for writer in writers]

    assert lost == [[]] * WRITERS
    assert all(writer.acknowledged for writer in writers)
    statuses = {status for writer in writers for status in writer.answers}
    assert statuses <= {"200", "201", NO_ANSWER}
    if not url:
        with contextlib.closing(sqlite3.connect(tmp_path / "matinee.sqlite3")) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def kill_one(instance: Instance, writers: list[Writer], kind: str, *, workers: int) -> None:
    """Kill a process of a kind while all are busy, and see that the others go on and it comes again."""
    are_served(writers, 20)
    victims, unanswered_before = processes_of(instance)[kind], unanswered(writers)
    victim = random.choice(victims)
    killed_at = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    are_served(writers, WRITERS + 1)
    served_after = time.monotonic() - killed_at
    assert eventually(lambda: is_whole(instance, workers=workers, without=victim), within=90)
    whole_after = time.monotonic() - killed_at
    failed = unanswered(writers) - unanswered_before
    figures = (workers, kind, served_after, whole_after, failed)
    logger.info("%d web workers, killed a %s: served after %.2f s, whole after %.2f s, %d failed", *figures)
    if TIMES > 1:
        assert max(served_after, whole_after) <= READY_AGAIN_WITHIN
    assert workers == 1 or failed <= IN_FLIGHT[kind]


def are_served(writers: list[Writer], number: int) -> None:
    before = answered(writers)
    assert eventually(lambda: answered(writers) >= before + number, within=90)


def is_whole(instance: Instance, *, workers: int, without: int = 0) -> bool:
    found = processes_of(instance)
    sizes = {kind: len(pids) for kind, pids in found.items()}
    wanted = {"job worker": 3, "web server": workers, "web worker": workers}
    return sizes == wanted and not any(without in pids for pids in found.values())
