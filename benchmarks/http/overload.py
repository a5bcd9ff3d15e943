"""`python -m benchmarks.http.overload`: three times as many requests as can be answered, for a minute.

First the most that is answered is measured, then what the slowest of few requests take. Then requests come at random
moments at three times the most, whether those before them are answered or not, and then few again. Liveness is asked
for from beside all the while.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.arguments import above_zero
from benchmarks.http import contenders, place
from benchmarks.http.building import own_bytes, publish
from benchmarks.http.client import Request
from benchmarks.http.endpoints import endpoints
from benchmarks.http.open_loop import Outcome, Plan
from benchmarks.http.overload_report import markdown
from benchmarks.http.publishing import publish as publish_result
from benchmarks.http.servers import PASSWORD, CannotStart, Server
from benchmarks.http.soak import add_data, most, tree, web_workers
from benchmarks.venvs import BENCHMARKS

TIMES, IDLE = 3.0, 0.15
"""Of the most that is answered."""
IDLE_SECONDS, AFTER_SECONDS = 20.0, 15.0
LOOK_EVERY_SECONDS = 0.1
SILENT_SECONDS = 2.0
"""While nothing is asked, what else the machine does is looked at."""
WELL_SECONDS, STEP_SECONDS = 1.0, 0.5
"""It is recovered once all is well for so long, which is looked for in such steps."""
PEOPLE = 20
"""Who ask: writes of one person take turns on a row, which would be measured in place of what a worker lets wait."""
REFUSED = (503, 429)
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
REGISTER = "/api/v1/users/register/"


@dataclass(frozen=True)
class Figures:
    """What promises of overload are made of; milliseconds, and CPU in cores."""

    capacity: float
    """Requests a second over connections that each send the next as soon as they have an answer."""
    idle_p50_ms: float
    idle_p99_ms: float
    asked: float
    """Requests a second during the overload, and of these: """
    admitted: float
    refused: float
    failed: int
    """Neither: an error, no answer, or a refusal without Retry-After."""
    refused_p50_ms: float
    refused_p99_ms: float
    admitted_p50_ms: float
    admitted_p99_ms: float
    liveness_slowest_ms: float
    liveness_failed: int
    grown_bytes: int
    """Own memory of the web worker that grew most, mapped files aside, which workers share and the kernel takes back:
    the most during and after the overload, over that of before."""
    resident_grown_bytes: int
    """The same of its resident memory, mapped files included."""
    recovered_seconds: float
    """From the end of the overload until, for a second, nothing is refused and nine in ten are within twice the p99 of
    few requests."""
    client_cores: float
    server_cores: float
    others_cores: float
    """What other programs took just before and just after, whichever was more."""


class Watch(threading.Thread):
    """Asks for liveness over a connection of its own each time, as a supervisor of containers does, and looks at the
    memory of the web workers."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.stopping = threading.Event()
        self.milliseconds: list[float] = []
        self.failed = 0
        self._before = sizes(server)
        self.grown_bytes = self.resident_grown_bytes = 0

    def run(self) -> None:
        while not self.stopping.wait(LOOK_EVERY_SECONDS):
            began = time.perf_counter()
            try:
                self.failed += self._server.ask(Request("GET", "/livez"), signed_in=False).status != 200
            except OSError:
                self.failed += 1
            self.milliseconds.append((time.perf_counter() - began) * 1_000)
            now = sizes(self._server)
            own, resident = np.max([np.subtract(now[pid], self._before[pid]) for pid in now], axis=0).tolist()
            self.grown_bytes = max(self.grown_bytes, own)
            self.resident_grown_bytes = max(self.resident_grown_bytes, resident)


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    about = place.about("benchmarks.http.overload", arguments, cores=place.pinned())
    with place.scratch() as (folder, stack):
        figures = {SQLITE: measured(folder / SQLITE, options, stack)}
        url = stack.enter_context(place.postgresql(folder / "pgdata")).get_uri()
        figures[POSTGRESQL] = measured(folder / POSTGRESQL, options, stack, url=url)
    record = {
        "about": about
        | {
            "Data": f"{options.films:,} films",
            "Server": f"`matinee serve --workers {contenders.WORKERS}`, job workers included",
            "Load": f"Requests at random moments, {TIMES:g} times the most that is answered for {options.seconds:g} s, "
            f"{IDLE:g} of it before and after, by {PEOPLE} people; two in seven write; load "
            "generator on the same cores",
        },
        "rounds": {database: asdict(one) for database, one in figures.items()},
    }
    text = markdown(record)
    publish_result("http-overload", record, text, out=options.out)
    print(text)


def measured(folder: Path, options: argparse.Namespace, stack: ExitStack, *, url: str | None = None) -> Figures:
    server, requests = served(folder, options, stack, url=url)
    figures = measure(server, requests, seconds=options.seconds)
    server.stop()
    return figures


def served(
    folder: Path, options: argparse.Namespace, stack: ExitStack, *, url: str | None = None
) -> tuple[Server, list[Request]]:
    """The whole tree, until `stack` is left, and what is asked of it."""
    folder.mkdir()
    rows = folder / "rows.json"
    place.say(f"Filling {folder.name} with {options.films:,} films")
    env = contenders.fill(folder, films=options.films, rows=rows, database_url=url)
    publish(env)
    contenders.learn(env, options.community)
    asked = [endpoint for endpoint in endpoints(json.loads(rows.read_text())) if endpoint.signed_in]
    requests = [request for endpoint in asked for request in random.Random(0).sample([*endpoint.requests], 3)]
    server = tree(env, folder)
    stack.callback(server.stop)
    return server, requests


def measure(server: Server, requests: Sequence[Request], *, seconds: float) -> Figures:
    others_before = others_cores(server)
    tokens = [server.token, *(registered(server, number) for number in range(1, PEOPLE))]
    capacity = most(server, tokens, requests)
    place.say(f"{capacity:.0f} requests/s at most")
    few = capacity * IDLE
    stretches = [(few, IDLE_SECONDS), (capacity * TIMES, seconds), (few, AFTER_SECONDS)]
    server_before, began = server.cpu_seconds(), time.perf_counter()
    watch = Watch(server)
    watch.start()
    outcome = crowd(server, tokens, requests, stretches)
    watch.stopping.set()
    watch.join()
    took = time.perf_counter() - began
    figures = figures_of(
        outcome,
        capacity=capacity,
        seconds=seconds,
        liveness=(max(watch.milliseconds), watch.failed),
        grown_bytes=(watch.grown_bytes, watch.resident_grown_bytes),
        server_cores=(server.cpu_seconds() - server_before) / took,
        others_cores=max(others_before, others_cores(server)),
    )
    place.say(json.dumps(asdict(figures), indent=1))
    return figures


def registered(server: Server, number: int) -> str:
    """The access token of somebody new."""
    name = f"person-{number}"
    body = {"email": f"{name}@example.org", "username": name, "password": PASSWORD}
    answer = server.ask(Request("POST", REGISTER, json.dumps(body)), signed_in=False)
    if answer.status != 201:
        raise CannotStart(f"{server.name} does not let {name} in: {answer}")
    return str(answer.body["access"])


def crowd(
    server: Server, tokens: Sequence[str], requests: Sequence[Request], stretches: Sequence[tuple[float, float]]
) -> Outcome:
    """What the people of these tokens get. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "outcome.npz"
        plan = Plan(server.port, tokens, requests, stretches, str(out))
        command = [sys.executable, "-m", "benchmarks.http.open_loop"]
        subprocess.run(command, cwd=BENCHMARKS.parent, input=json.dumps(asdict(plan)).encode(), check=True)
        return Outcome.read(out)


def figures_of(
    outcome: Outcome,
    *,
    capacity: float,
    seconds: float,
    liveness: tuple[float, int],
    grown_bytes: tuple[int, int],
    server_cores: float,
    others_cores: float,
) -> Figures:
    begin, end = IDLE_SECONDS, IDLE_SECONDS + seconds
    before, during = outcome.due < begin, (outcome.due >= begin) & (outcome.due < end)
    admitted, refused = (outcome.status >= 200) & (outcome.status < 300), np.isin(outcome.status, REFUSED)
    idle = outcome.milliseconds[before & admitted]
    served, turned_away = outcome.milliseconds[during & admitted], outcome.milliseconds[during & refused]
    idle_p99 = _percentile(idle, 99)
    return Figures(
        capacity=capacity,
        idle_p50_ms=_percentile(idle, 50),
        idle_p99_ms=idle_p99,
        asked=float(during.sum()) / seconds,
        admitted=len(served) / seconds,
        refused=len(turned_away) / seconds,
        failed=int((~admitted & ~refused).sum()),
        refused_p50_ms=_percentile(turned_away, 50),
        refused_p99_ms=_percentile(turned_away, 99),
        admitted_p50_ms=_percentile(served, 50),
        admitted_p99_ms=_percentile(served, 99),
        liveness_slowest_ms=liveness[0],
        liveness_failed=liveness[1],
        grown_bytes=grown_bytes[0],
        resident_grown_bytes=grown_bytes[1],
        recovered_seconds=recovered(outcome, end, within_ms=2 * idle_p99),
        client_cores=outcome.cpu_seconds / (end + AFTER_SECONDS),
        server_cores=server_cores,
        others_cores=others_cores,
    )


def recovered(outcome: Outcome, end: float, *, within_ms: float) -> float:
    """Seconds after `end` at which a second begins in which nothing is refused or fails, and nine answers in ten are no
    later than that; all that was watched where there is none."""
    begins = np.arange(0, AFTER_SECONDS - WELL_SECONDS, STEP_SECONDS)
    for begin in begins:
        here = (outcome.due >= end + begin) & (outcome.due < end + begin + WELL_SECONDS)
        if (outcome.status[here] // 100 == 2).all() and _percentile(outcome.milliseconds[here], 90) <= within_ms:
            return float(begin)
    return AFTER_SECONDS


def others_cores(server: Server) -> float:
    """Of the machine's cores, what others than the server use; looked at while it has nothing to do."""
    before = server.cpu_seconds()
    busy = sum(psutil.cpu_percent(interval=SILENT_SECONDS, percpu=True)) / 100
    return max(busy - (server.cpu_seconds() - before) / SILENT_SECONDS, 0.0)


def sizes(server: Server) -> dict[int, tuple[int, int]]:
    """Own and resident bytes of each web worker, by its pid."""
    workers = web_workers(psutil.Process(server.pid))
    return {pid: (own_bytes(pid), psutil.Process(pid).memory_info().rss) for pid in workers}


def _percentile(milliseconds: Any, share: float) -> float:
    return float(np.percentile(milliseconds, share)) if len(milliseconds) else 0.0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.overload", description=__doc__)
    parser.add_argument("--seconds", type=above_zero, default=60.0, help="of the overload")
    add_data(parser, films=10_000)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
