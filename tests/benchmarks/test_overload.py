"""The load of a crowd waits for nobody, and what came of it is told as it was."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from benchmarks.http.client import Request
from benchmarks.http.open_loop import FAILED, UNASKED_FOR, Crowd, Outcome, Plan
from benchmarks.http.overload import AFTER_SECONDS, IDLE_SECONDS, Figures, figures_of, recovered
from benchmarks.http.overload_report import missed

BODY = b'{"results": []}'
SECONDS = 10.0
TOGETHER = 10
END = IDLE_SECONDS + SECONDS


class _Answers(BaseHTTPRequestHandler):
    """Refuses at /refused/ and, without saying for how long, at /forever/; hangs up at /broken/; at /held/ nothing is
    answered before TOGETHER wait."""

    protocol_version = "HTTP/1.1"
    held = threading.Semaphore(0)
    waiting = 0

    def do_GET(self) -> None:
        if self.path == "/held/":
            _Answers.waiting += 1
            if _Answers.waiting >= TOGETHER:
                self.held.release(TOGETHER)
            assert self.held.acquire(timeout=20)
        self.send_response(503 if self.path in {"/refused/", "/forever/"} else 200)
        if self.path == "/refused/":
            self.send_header("Retry-After", "5")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.close_connection = self.path == "/broken/"
        self.wfile.write(BODY[:3] if self.path == "/broken/" else BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        """Nothing to tell."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def came_of(port: int, path: str, folder: Path, *, rate: float = 100, seconds: float = 0.3) -> Outcome:
    out = folder / "outcome.npz"
    Crowd(Plan(port, [None], [Request("GET", path)], [(rate, seconds)], str(out))).run()
    return Outcome.read(out)


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/refused/", 503), ("/forever/", UNASKED_FOR), ("/broken/", FAILED)]
)
def test_every_request_is_told_of_once_by_what_came(port: int, tmp_path: Path, path: str, status: int) -> None:
    outcome = came_of(port, path, tmp_path)

    assert len(outcome.due) == len(outcome.milliseconds) > 10
    assert Counter(outcome.status.tolist()) == {status: len(outcome.due)}


def test_requests_go_out_whether_those_before_them_are_answered_or_not(port: int, tmp_path: Path) -> None:
    outcome = came_of(port, "/held/", tmp_path, rate=1_000, seconds=0.1)

    assert outcome.connections >= TOGETHER
    assert Counter(outcome.status.tolist()) == {200: len(outcome.due)}


def made_up(*answers: tuple[float, float, int]) -> Outcome:
    """Of (due, milliseconds, status)."""
    due, milliseconds, status = (np.array(column) for column in zip(*answers, strict=True))
    return Outcome(due, milliseconds, status.astype(np.int16), cpu_seconds=1.0, connections=1)


def told(*answers: tuple[float, float, int]) -> Figures:
    return figures_of(
        made_up(*[(1.0, 10.0, 200)] * 9, *answers),
        capacity=10.0,
        seconds=SECONDS,
        liveness=(20.0, 0),
        grown_bytes=(0, 0),
        server_cores=1.0,
        others_cores=0.0,
    )


def test_admitted_and_refused_are_told_apart() -> None:
    during = IDLE_SECONDS + 1

    figures = told((during, 15.0, 200), (during, 5.0, 503), (during, 7.0, 429), (during, 1.0, FAILED))

    assert (figures.asked, figures.admitted, figures.refused, figures.failed) == (0.4, 0.1, 0.2, 1)
    assert (figures.idle_p99_ms, figures.admitted_p99_ms, figures.refused_p50_ms) == (10.0, 15.0, 6.0)
    assert missed(asdict(figures)) == ["nothing fails"]


def test_recovered_is_who_refuses_nothing_any_more_and_is_not_late() -> None:
    well = [(END + number / 10, 10.0, 200) for number in range(int(AFTER_SECONDS * 10))]

    late = [(END + 0.3, 21.0, 200)] * 3

    assert recovered(made_up(*well), END, within_ms=20.0) == 0.0
    assert recovered(made_up(*well, *late), END, within_ms=20.0) == 0.5
    assert recovered(made_up(*well, *late, (END + 1.2, 1.0, 503)), END, within_ms=20.0) == 1.5
    assert recovered(made_up(*well, (END + 3.0, 1.0, 503)), END, within_ms=20.0) == 0.0, "another hiccup is none of it"
    assert recovered(made_up(*[(at, 21.0, 200) for at, _, _ in well]), END, within_ms=20.0) == AFTER_SECONDS
