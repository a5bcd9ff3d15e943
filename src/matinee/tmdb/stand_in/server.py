"""The stand-in's server. It knows no secret and takes any token; faults are put on and off by requests, too."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from matinee.tmdb.stand_in.answers import NO_KEY, NOTHING, answer, export_of
from matinee.tmdb.stand_in.faults import KINDS, Fault, Faults
from matinee.tmdb.stand_in.films import Films, Payload

EXPORT = re.compile(r"/p/exports/movie_ids_\d\d_\d\d_\d{4}\.json\.gz")


@dataclass(frozen=True)
class Asked:
    """One request as it came in; `at` is of time.monotonic()."""

    at: float
    path: str
    query: dict[str, str]


class StandIn(ThreadingHTTPServer):
    """Answers at `url` once it is started."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, films: Films, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.films = films
        self.faults = Faults()
        self.asked: list[Asked] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[StandIn]:
        """In a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    def asked_for(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path.startswith(path)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16  # head and body leave together
    server: StandIn

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        self.server.asked.append(Asked(time.monotonic(), parts.path, query))
        if EXPORT.fullmatch(parts.path):
            status, kind, body = 200, "application/gzip", export_of(self.server.films)
        else:
            status, payload = self._answer(parts.path, query)
            kind, body = "application/json", json.dumps(payload).encode()
        fault = self.server.faults.of(parts.path)
        if fault is not None and (status == 200 or fault.kind not in {"wrong-types", "nan", "nul", "blank"}):
            KINDS[fault.kind](self, fault, body)
        else:
            self._send(status, kind, body)

    def do_PUT(self) -> None:
        """`/faults?kind=slow&seconds=2&share=0.5&times=10&path=/3/movie`"""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        try:
            fault = Fault(
                kind=query["kind"],
                share=float(query.get("share", "1")),
                times=int(query["times"]) if "times" in query else None,
                path=query.get("path", "/"),
                seconds=float(query.get("seconds", "2")),
                retry_after=query.get("retry_after", "1"),
            )
            self.server.faults.put(fault)
        except (LookupError, ValueError) as error:
            self._send(400, "text/plain", f"{error}\n".encode())
        else:
            self._send(204, "text/plain", b"")

    def do_DELETE(self) -> None:
        """`/faults`: all is well again."""
        self.server.faults.clear()
        self._send(204, "text/plain", b"")

    def _answer(self, path: str, query: dict[str, str]) -> tuple[int, Payload]:
        if not self.headers.get("Authorization", "").startswith("Bearer ") and "api_key" not in query:
            return NO_KEY
        try:
            return answer(self.server.films, path, query)
        except ValueError:  # no number where one should be, or no date
            return NOTHING

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: whoever wants to know reads `asked`."""

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the client had enough, or its connection was torn down
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()
