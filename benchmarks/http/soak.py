"""`python -m benchmarks.http.soak`: the whole tree at half of what it can, for an hour: memory, handles, errors, times.

First the most that it answers is measured, over connections that each send the next request as soon as they have an
answer. Then requests come at random moments at a share of that rate, whether those before them are answered or not; a
time counts from the moment at which a request should have gone out.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.arguments import above_zero, at_least
from benchmarks.http import client, contenders, place
from benchmarks.http.building import own_bytes, publish
from benchmarks.http.client import HOST, Plan, Request
from benchmarks.http.endpoints import FEWEST_FILMS, endpoints
from benchmarks.http.report import MIB, page
from benchmarks.http.servers import CannotStart, Server, free_port
from benchmarks.paths import RESULTS
from benchmarks.venvs import BENCHMARKS

SENDERS = 16
WARM_UP_SECONDS, CAPACITY_SECONDS = 5.0, 10.0
AT_REST_CORES, AT_REST_WITHIN_SECONDS, AT_REST_FOR_SECONDS = 0.2, 120.0, 2.0
"""What the tree takes while nothing is asked of it; a first start has jobs to do, as the text index. Job workers that
look for jobs take 0.07 to 0.14."""
KEPT_SECONDS = 5.0
"""A connection that was idle for longer is opened anew: the server ends those that are silent for ten seconds."""
STRETCHES = 12
"""The time is told in so many parts; the first is left out of the verdict, since caches fill in it."""
MOST_GROWTH = 1.05
"""Of own memory, from the first third of what is looked at to the last: what runs differ by without a leak."""
MOST_MORE_FILES = 8
LOOK_EVERY_SECONDS = 1.0


@dataclass(frozen=True)
class Stretch:
    """A part of the time, and how things stood at its end."""

    minutes: float
    requests: int
    errors: dict[str, int]
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    worker_bytes: int
    """Own memory of the largest web worker."""
    tree_bytes: int
    files: int
    """Files and sockets that the tree has open."""


class Sender(threading.Thread):
    """Sends its share of the requests at random moments, over one connection, and notes what came of each."""

    def __init__(self, server: Server, requests: Sequence[Request], *, rate: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._server, self._requests, self._rate = server, requests, rate
        self._lots = random.Random(seed)
        self._used_at = time.monotonic()
        self._connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
        self._lock = threading.Lock()
        self._times: list[float] = []
        self._errors: Counter[str] = Counter()
        self.stopping = threading.Event()

    def run(self) -> None:
        due = time.perf_counter()
        while not self.stopping.is_set():
            due += self._lots.expovariate(self._rate)
            self.stopping.wait(max(due - time.perf_counter(), 0.0))
            outcome = self._ask(self._lots.choice(self._requests))
            with self._lock:
                self._times.append((time.perf_counter() - due) * 1_000)
                if outcome not in {"200", "201", "204"}:
                    self._errors[outcome] += 1

    def taken(self) -> tuple[list[float], Counter[str]]:
        """What has come since this was asked last."""
        with self._lock:
            times, errors = self._times, self._errors
            self._times, self._errors = [], Counter()
        return times, errors

    def _ask(self, request: Request) -> str:
        if time.monotonic() - self._used_at > KEPT_SECONDS:
            self._connection.close()
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._server.token}"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(request.method, request.path, request.body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return type(error).__name__
        finally:
            self._used_at = time.monotonic()
        return str(answer.status)


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    cores = place.pinned()
    with place.scratch() as (folder, stack):
        database = stack.enter_context(place.postgresql(folder / "postgresql")) if options.postgresql else None
        url = database.get_uri() if database else None
        rows = folder / "rows.json"
        place.say("Filling the database")
        env = contenders.fill(folder, films=options.films, rows=rows, database_url=url)
        publish(env)
        trained_on = contenders.learn(env, options.community)
        server = tree(env, folder)
        stack.callback(server.stop)
        asked = [endpoint for endpoint in endpoints(json.loads(rows.read_text())) if endpoint.signed_in]
        requests = [request for endpoint in asked for request in random.Random(0).sample([*endpoint.requests], 3)]
        capacity = most(server, [server.token], requests)
        place.say(f"{capacity:.0f} requests/s at most; now {options.share:g} of that for {options.minutes:g} minutes")
        stretches = soak(server, requests, rate=capacity * options.share, minutes=options.minutes)
    about = {
        **place.about("benchmarks.http.soak", arguments, cores=cores),
        "Data": f"{options.films:,} films on {'PostgreSQL' if url else 'SQLite'}; model: {trained_on}",
        "Server": f"`matinee serve --workers {contenders.WORKERS}`, job workers included",
        "Load": f"{capacity * options.share:.0f} requests/s at random moments, {options.share:g} of the "
        f"{capacity:.0f} that it answers over {SENDERS} connections; two in seven of them write; "
        "load generator and other programs of the machine on the same cores",
    }
    told = markdown(about, stretches)
    options.out.mkdir(parents=True, exist_ok=True)
    record = {"about": about, "stretches": [asdict(one) for one in stretches], "verdict": verdict(stretches)}
    (options.out / "http-soak.json").write_text(json.dumps(record, indent=1) + "\n")
    (options.out / "http-soak.md").write_text(told)
    print(told)
    sys.exit(any(verdict(stretches)))


def tree(env: dict[str, str], folder: Path) -> Server:
    port = free_port()
    command = [sys.executable, "-P", "-m", "matinee.cli", "serve", "--host", HOST, "--port", str(port)]
    command += ["--workers", str(contenders.WORKERS)]
    return Server("Matinee", command, port=port, folder=BENCHMARKS.parent, env=env, log=folder / "serve.log")


def come_to_rest(server: Server) -> None:
    """Wait until the jobs of its start are done. Raises CannotStart."""
    until, cores = time.monotonic() + AT_REST_WITHIN_SECONDS, AT_REST_CORES
    while cores >= AT_REST_CORES:
        if time.monotonic() > until:
            raise CannotStart(f"{server.name} is at work for {AT_REST_WITHIN_SECONDS:g} s, though nothing is asked.")
        before = server.cpu_seconds()
        time.sleep(AT_REST_FOR_SECONDS)
        cores = (server.cpu_seconds() - before) / AT_REST_FOR_SECONDS


def most(server: Server, tokens: Sequence[str], requests: Sequence[Request]) -> float:
    """Requests a second that are answered when each connection sends the next at once, once it is at rest."""
    come_to_rest(server)
    for seconds in (WARM_UP_SECONDS, CAPACITY_SECONDS):
        outcome = client.run(Plan(server.port, tokens, requests, SENDERS, seconds, at_most=1_000_000))
    return sum(number for status, number in outcome.statuses.items() if status[0] == "2") / outcome.seconds


def soak(server: Server, requests: Sequence[Request], *, rate: float, minutes: float) -> list[Stretch]:
    senders = [Sender(server, requests, rate=rate / SENDERS, seed=number) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    began, stretches = time.monotonic(), []
    for number in range(1, STRETCHES + 1):
        until = began + 60 * minutes * number / STRETCHES
        most_worker, most_tree, most_files = 0, 0, 0
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK_EVERY_SECONDS, left))
            worker, whole, files = looked_at(server)
            most_worker, most_tree = max(most_worker, worker), max(most_tree, whole)
            most_files = max(most_files, files)
        taken = [sender.taken() for sender in senders]
        times = sorted(each for those, _ in taken for each in those) or [0.0]
        errors = sum((those for _, those in taken), Counter[str]())
        stretches.append(
            Stretch(
                minutes=minutes * number / STRETCHES,
                requests=len(times),
                errors=dict(errors),
                p50_ms=times[len(times) // 2],
                p99_ms=times[int(len(times) * 0.99)],
                slowest_ms=times[-1],
                worker_bytes=most_worker,
                tree_bytes=most_tree,
                files=most_files,
            )
        )
        place.say(row(stretches[-1]))
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join(timeout=60)
    return stretches


def looked_at(server: Server) -> tuple[int, int, int]:
    """Own memory of the largest process beside the supervisor, of all, and open files of all."""
    root = psutil.Process(server.pid)
    sizes = {process.pid: own_bytes(process.pid) for process in [root, *root.children(recursive=True)]}
    web = [own_bytes(pid) for pid in web_workers(root)]
    return max(web, default=0), sum(sizes.values()), sum(open_files(pid) for pid in sizes)


def web_workers(root: psutil.Process) -> list[int]:
    """The children of the tree's children: of the job workers, which have none, there are none among them."""
    return [worker.pid for child in root.children() for worker in child.children()]


def open_files(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def verdict(stretches: Sequence[Stretch]) -> list[str]:
    """What is wrong; empty where all is well."""
    steady = stretches[1:]
    third = max(len(steady) // 3, 1)
    first, last = steady[:third], steady[-third:]
    wrong = []
    errors = sum((Counter(one.errors) for one in stretches), Counter[str]())
    if errors:
        wrong.append(f"Requests failed: {dict(errors)}.")
    growth = median(one.worker_bytes for one in last) / median(one.worker_bytes for one in first)
    if growth > MOST_GROWTH:
        wrong.append(f"A web worker's own memory grew to {growth:.2f} of what it was.")
    more = median(one.files for one in last) - median(one.files for one in first)
    if more > MOST_MORE_FILES:
        wrong.append(f"{more:.0f} more files are open.")
    return wrong


def markdown(about: dict[str, Any], stretches: Sequence[Stretch]) -> str:
    body = [
        "| minutes | requests | failed | p50, ms | p99, ms | slowest, ms | web worker, MiB | tree, MiB | open files |",
        "|---|---|---|---|---|---|---|---|---|",
        *[row(one) for one in stretches],
        "",
        " ".join(verdict(stretches)) or "Nothing failed, memory is flat and no handle is lost.",
    ]
    return page("HTTP: a soak", "benchmarks.http.soak", about, body)


def row(one: Stretch) -> str:
    return (
        f"| {one.minutes:.1f} | {one.requests:,} | {sum(one.errors.values())} | {one.p50_ms:.1f} | {one.p99_ms:.1f} "
        f"| {one.slowest_ms:.0f} | {one.worker_bytes / MIB:.1f} | {one.tree_bytes / MIB:.0f} | {one.files} |"
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.soak", description=__doc__)
    parser.add_argument("--minutes", type=above_zero, default=60.0)
    parser.add_argument("--share", type=above_zero, default=0.5, help="of what it answers at most")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own, and not on SQLite")
    add_data(parser, films=10_000)
    return parser.parse_args(arguments)


def add_data(parser: argparse.ArgumentParser, *, films: int) -> None:
    """What a whole tree serves, and where the result goes."""
    parser.add_argument("--films", type=at_least(FEWEST_FILMS), default=films)
    parser.add_argument("--community", default="100k", help="the MovieLens set that the model learns from")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")


if __name__ == "__main__":
    main(sys.argv[1:])
