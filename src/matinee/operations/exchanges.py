"""What granian brings, as exchanges.

By granian's own caller of a WSGI application a request keeps a thread from when it comes until it is answered, be it
for waiting. That caller is private to granian, as is what takes its place here: the version of granian is bounded, and
tests/operations ask a served instance.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol

from granian.server import mp

from matinee.core.draining import is_draining

Headers = list[tuple[str, str]]

COMMON = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
    "wsgi.errors": sys.stderr,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}
"""Of PEP 3333's environment, what is the same for each request."""


class WayBack(Protocol):
    """granian's, of one answer. Safe between threads."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...

    def response_iter(self, status: int, headers: Headers, body: Generator[bytes]) -> None: ...


class GranianExchange:
    """An `Exchange`."""

    __slots__ = ("_headers", "_is_last", "_status", "_way_back", "environ")

    def __init__(self, way_back: WayBack, request: dict[str, Any]) -> None:
        self._way_back = way_back
        self.environ = COMMON | request
        self._is_last = False

    def end_connection(self) -> None:
        self._is_last = True

    def start_response(self, status: str, headers: Headers) -> None:
        self._status, self._headers = int(status[:3]), headers

    def send(self, answer: Iterable[bytes]) -> None:
        headers = self._headers
        if self._is_last or is_draining():
            headers = [(name, value) for name, value in headers if name.lower() != "connection"]
            headers.append(("Connection", "close"))
        if isinstance(answer, list):
            self._way_back.response_bytes(self._status, headers, b"".join(answer))
        else:
            self._way_back.response_iter(self._status, headers, _closed_after(answer))


def _closed_after(answer: Iterable[bytes]) -> Generator[bytes]:
    try:
        yield from answer
    finally:
        getattr(answer, "close", lambda: None)()


def bring_exchanges() -> None:
    """Have granian's workers in this process call their application with each request's exchange."""
    mp._wsgi_call_wrap = _caller  # type: ignore[assignment, attr-defined] # noqa: SLF001 - it has no public place for it


def _caller(application: Callable[[GranianExchange], None], *_options: Any) -> Callable[[WayBack, Any], None]:
    def call(way_back: WayBack, request: dict[str, Any]) -> None:
        application(GranianExchange(way_back, request))

    return call
