"""The ways in which TMDb can fail, each on demand."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from matinee.tmdb.stand_in.answers import NO_KEY, NOTHING
from matinee.tmdb.stand_in.films import Payload

HUGE_BYTES = 500_000_000
BLOCK = b" " * 2**16
MANY_GENRES = b",".join([b'{"id": 28, "name": "Action"}'] * 1_000_000)


@dataclass(frozen=True)
class Fault:
    """Befalls this share of the requests whose path begins so, the first `times` of them if that is given."""

    kind: str
    share: float = 1.0
    times: int | None = None
    path: str = "/"
    seconds: float = 2.0
    """How long `slow` keeps one waiting."""
    retry_after: str = "1"
    """What `429` asks for."""


def refuse_odd_share(share: float) -> None:
    """Raises ValueError."""
    if not 0 <= share <= 1:
        raise ValueError(f"{share:g} is no share of the requests; it is from 0, for none, to 1, for all.")


class Faults:
    """Those that are on. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chance = random.Random(0)  # noqa: S311 - the same requests fail in the same order
        self._on: list[Fault] = []
        self._befallen: list[int] = []

    def put(self, fault: Fault) -> None:
        """Raises ValueError for a kind that there is not, or no share."""
        if fault.kind not in KINDS:
            raise ValueError(f"{fault.kind!r} is no fault; there are {', '.join(sorted(KINDS))}.")
        refuse_odd_share(fault.share)
        with self._lock:
            self._on.append(fault)
            self._befallen.append(0)

    def clear(self) -> None:
        with self._lock:
            self._on.clear()
            self._befallen.clear()

    def of(self, path: str) -> Fault | None:
        """The one that befalls a request to `path`."""
        with self._lock:
            for place, fault in enumerate(self._on):
                spent = fault.times is not None and self._befallen[place] >= fault.times
                if path.startswith(fault.path) and not spent and self._chance.random() < fault.share:
                    self._befallen[place] += 1
                    return fault
        return None


def _send(to: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/json", **more: str) -> None:
    to.send_response(status)
    to.send_header("Content-Type", kind)
    to.send_header("Content-Length", str(len(body)))
    for name, value in more.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()
    to.wfile.write(body)


def _reset(to: BaseHTTPRequestHandler, _fault: Fault, _body: bytes) -> None:
    """The connection is torn down, not closed."""
    to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    to.connection.close()
    to.close_connection = True


def _half(to: BaseHTTPRequestHandler, _fault: Fault, body: bytes) -> None:
    to.send_response(200)
    to.send_header("Content-Type", "application/json")
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body[: len(body) // 2])
    to.close_connection = True


def _huge(to: BaseHTTPRequestHandler, _fault: Fault, _body: bytes) -> None:
    to.send_response(200)
    to.send_header("Content-Type", "application/json")
    to.send_header("Content-Length", str(HUGE_BYTES))
    to.end_headers()
    for _ in range(HUGE_BYTES // len(BLOCK)):
        to.wfile.write(BLOCK)


def _slow(to: BaseHTTPRequestHandler, fault: Fault, body: bytes) -> None:
    time.sleep(fault.seconds)
    _send(to, 200, body)


def _altered(alter: Callable[[Payload], Payload]) -> Callable[[BaseHTTPRequestHandler, Fault, bytes], None]:
    return lambda to, _fault, body: _send(to, 200, json.dumps(alter(json.loads(body))).encode())


KINDS: Mapping[str, Callable[[BaseHTTPRequestHandler, Fault, bytes], None]] = {
    "slow": _slow,
    "reset": _reset,
    "half": _half,
    "huge": _huge,
    "401": lambda to, *_: _send(to, 401, json.dumps(NO_KEY[1]).encode()),
    "404": lambda to, *_: _send(to, 404, json.dumps(NOTHING[1]).encode()),
    "429": lambda to, fault, _: _send(to, 429, b"{}", Retry_After=fault.retry_after),
    "500": lambda to, *_: _send(to, 500, b"{}"),
    "503": lambda to, *_: _send(to, 503, b"<html>Service Unavailable</html>", "text/html"),
    "html": lambda to, *_: _send(to, 200, b"<html>Sign in to this network</html>", "text/html"),
    "redirect": lambda to, *_: _send(to, 302, b"", Location="http://169.254.169.254/latest/meta-data/"),
    "no-json": lambda to, *_: _send(to, 200, b'{"id": 603, "title": '),
    "wrong-types": _altered(lambda film: {**film, "runtime": "long", "genres": {"id": 28}, "title": ["The", "Matrix"]}),
    "nan": _altered(lambda film: {**film, "popularity": float("nan")}),
    "nul": _altered(lambda film: {**film, "overview": "Wake up\0."}),
    "blank": _altered(lambda film: {**film, "overview": "", "poster_path": None, "runtime": 0, "genres": []}),
    "many-genres": lambda to, _, body: _send(to, 200, body[:-1] + b', "genres": [' + MANY_GENRES + b"]}"),
}
