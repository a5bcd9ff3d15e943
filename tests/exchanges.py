"""Requests as the web server brings them, without the web server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any


class HeldExchange:
    """Keeps its answer."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.status, self.headers, self.body = "", dict[str, str](), b""
        self.ends_connection = False
        self._is_sent = threading.Event()

    def end_connection(self) -> None:
        self.ends_connection = True

    def start_response(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, dict(headers)

    def send(self, answer: Iterable[bytes]) -> None:
        self.body = b"".join(answer)
        getattr(answer, "close", lambda: None)()
        self._is_sent.set()

    @property
    def is_sent(self) -> bool:
        return self._is_sent.is_set()

    def answer(self) -> tuple[str, bytes]:
        """Its status and body, once they are there."""
        assert self._is_sent.wait(20)
        return self.status[:3], self.body


def brought(handle: Callable[[HeldExchange], None], **environ: Any) -> HeldExchange:
    """A request that `handle` was given, and that is answered or waits."""
    exchange = HeldExchange(environ)
    handle(exchange)
    return exchange
