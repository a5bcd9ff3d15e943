"""`python -m benchmarks.http.breakdown`: where the microseconds of one request go, inside one process.

What granian calls is asked again and again in this process, on a thread's CPU time, which another process can't
lengthen much. The parts come from a sample of the stack at every tick of the process's own CPU clock: no
function is wrapped, so that small ones look no dearer than they are. What granian itself does (accept, read, write)
is not in it; `make bench` has the whole.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any
from wsgiref.util import setup_testing_defaults

from benchmarks.arguments import above_zero, at_least, word_of
from benchmarks.http import contenders, servers
from benchmarks.http.building import publish
from benchmarks.http.client import Request
from benchmarks.http.endpoints import FEWEST_FILMS, Endpoint, endpoints, names
from benchmarks.http.place import WORK
from benchmarks.venvs import BENCHMARKS
from matinee.operations.memory import keep_memory

TICK_SECONDS = 0.001
WARM_UP = 200
LABELS = (
    ("matinee/api/authentication.py", "who asks: token, session, person"),
    ("matinee/api/read_ahead.py", "who asks: token, session, person"),
    ("matinee/api/fast_lane.py", "the lane: route, query, limits, metrics, headers"),
    ("matinee/api/gateway.py", "the lane: route, query, limits, metrics, headers"),
    ("matinee/api/limits.py", "the lane: route, query, limits, metrics, headers"),
    ("matinee/api/measuring.py", "the lane: route, query, limits, metrics, headers"),
    ("matinee/api/representations.py", "the lane: route, query, limits, metrics, headers"),
    ("matinee/api/safe_headers.py", "the lane: route, query, limits, metrics, headers"),
    ("matinee/api/turns.py", "the lane: route, query, limits, metrics, headers"),
    ("matinee/accounts/", "who asks: token, session, person"),
    ("matinee/library/queries.py", "my flags"),
    ("matinee/library/services.py", "the write"),
    ("matinee/audit/", "the write's audit event"),
    ("django/db/transaction.py", "the write"),
    ("matinee/recommendations/", "recommending"),
    ("matinee/engine/", "recommending"),
    ("matinee/catalog/lookup.py", "which film"),
    ("matinee/api/cards.py", "cards"),
    ("matinee/catalog/cards.py", "cards"),
    ("matinee/catalog/card_file.py", "cards"),
    ("matinee/catalog/encoding.py", "cards"),
    ("matinee/catalog/models.py", "cards"),
    ("matinee/catalog/", "which films: filter, order"),
    ("matinee/api/answers.py", "page and JSON"),
    ("matinee/api/middleware.py", "our middleware: ETag, ids, problems"),
    ("matinee/api/", "the endpoint itself"),
    ("ninja/", "django-ninja: route, query, body"),
    ("corsheaders/", "Django: handler, routing, its middleware"),
    ("whitenoise/", "Django: handler, routing, its middleware"),
    ("django/core/handlers/", "Django: handler, routing, its middleware"),
    ("django/urls/", "Django: handler, routing, its middleware"),
    ("django/middleware/", "Django: handler, routing, its middleware"),
    ("django/contrib/", "Django: handler, routing, its middleware"),
    ("django/core/signals", "Django: handler, routing, its middleware"),
    ("django/db/__init__.py", "Django: handler, routing, its middleware"),
)
"""The innermost frame that lies in one of these decides whose a sample is, the ORM's under who called it."""

Ask = Callable[[Request, bool], bytes]


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        folder = options.keep or Path(scratch)
        env = _prepared(folder, options)
        if any(os.environ.get(name) != value for name, value in env.items()):  # its settings read them as it starts
            again = [sys.executable, "-m", "benchmarks.http.breakdown", *arguments, "--keep", str(folder)]
            subprocess.run(again, cwd=BENCHMARKS.parent, env=env, check=True)
            return
        ask = _asker()
        for endpoint in endpoints(json.loads((folder / "rows.json").read_text())):
            if options.only in endpoint.name:
                _tell(endpoint, ask, options.seconds)


def _prepared(folder: Path, options: argparse.Namespace) -> dict[str, str]:
    """The environment of a filled database with a model; one that is there already is used as it is."""
    rows = folder / "rows.json"
    if rows.exists():
        return contenders.environment_of(folder)
    folder.mkdir(parents=True, exist_ok=True)
    env = contenders.fill(folder, films=options.films, rows=rows)
    publish(env)
    contenders.learn(env, options.community)
    return env


class Kept:
    """An exchange that keeps its answer."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.status, self.body = "", b""

    def end_connection(self) -> None:
        """There is none."""

    def start_response(self, status: str, _headers: list[tuple[str, str]]) -> None:
        self.status = status

    def send(self, answer: Iterable[bytes]) -> None:
        self.body = b"".join(answer)


def _asker() -> Ask:
    """Asks the application as granian would, signed in; holds every answer to be a good one."""
    keep_memory()
    from matinee.wsgi import turns  # noqa: PLC0415 - it reads the environment when it is imported

    def send(request: Request, token: str | None) -> bytes:
        exchange = Kept(environ_of(request, token))
        turns(exchange)
        if not exchange.status.startswith("2"):
            raise RuntimeError(
                f"{request.method} {request.path} was answered {exchange.status}: {exchange.body[:300]!r}"
            )
        return exchange.body

    login = Request("POST", servers.LOGIN, json.dumps({"username": servers.USERNAME, "password": servers.PASSWORD}))
    token = json.loads(send(login, None))["access"]
    return lambda request, signed_in: send(request, token if signed_in else None)


def environ_of(request: Request, token: str | None) -> dict[str, Any]:
    path, _, query = request.path.partition("?")
    body = (request.body or "").encode()
    environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "application/json",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    setup_testing_defaults(environ)
    if request.body is not None:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    if token is not None:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return environ


def _tell(endpoint: Endpoint, ask: Ask, seconds: float) -> None:
    requests = endpoint.requests
    for request in requests[:WARM_UP]:
        ask(request, endpoint.signed_in)
    parts: Counter[str] = Counter()
    signal.signal(signal.SIGPROF, lambda _number, frame: parts.update([part_of(frame)]))
    asked, size, started = 0, 0, time.process_time()
    signal.setitimer(signal.ITIMER_PROF, TICK_SECONDS, TICK_SECONDS)
    while time.process_time() - started < seconds:
        size += len(ask(requests[asked % len(requests)], endpoint.signed_in))
        asked += 1
    signal.setitimer(signal.ITIMER_PROF, 0)
    micros = (time.process_time() - started) / asked * 1e6
    for request in endpoint.clean_up:
        ask(request, endpoint.signed_in)
    print(f"\n{endpoint.name}: {micros:,.0f} µs of CPU a request, {size / asked:,.0f} bytes ({asked:,} requests)\n")
    print("| part | µs | share |\n|---|---|---|")
    ticks = sum(parts.values())
    for part, count in parts.most_common():
        print(f"| {part} | {micros * count / ticks:,.0f} | {count / ticks:.0%} |")


def part_of(frame: FrameType | None) -> str:
    while frame is not None:
        file = frame.f_code.co_filename
        for place, label in LABELS:
            if f"/{place}" in file:
                return label
        frame = frame.f_back
    return "this program"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.breakdown", description=__doc__)
    parser.add_argument("--films", type=at_least(FEWEST_FILMS), default=10_000)
    parser.add_argument("--seconds", type=above_zero, default=10.0, help="of CPU, for each kind of request")
    parser.add_argument("--community", default="100k", help="the MovieLens set that the model learns from")
    parser.add_argument("--only", type=word_of(names()), default="", metavar="WORD", help="only requests so named")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="set up here, or use what was set up before")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
