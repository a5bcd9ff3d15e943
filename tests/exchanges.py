"""Requests as the web server brings them, without the web server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from matinee.core.lending import lent
from matinee.core.waiting import who_waits


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


def on_a_thread(handle: Callable[[HeldExchange], None], **environ: Any) -> HeldExchange:
    """A request that `handle` is given on a thread of its own."""
    exchange = HeldExchange(environ)
    threading.Thread(target=handle, args=(exchange,), daemon=True).start()
    return exchange


class Holding:
    """An application that answers who asked, once it may. Each of its requests with `waits` waits for another machine
    meanwhile."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.waited_then: list[list[str]] = []
        self.may_answer, self.comes_back = threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.called.append(environ.get("who", ""))
        self.waited_then.append([other.get("who", "") for other in who_waits()])
        if "waits" in environ:
            with lent():
                assert self.comes_back.wait(20)
        else:
            assert self.may_answer.wait(20)
        start_response("200 OK", [])
        return [environ.get("who", "").encode()]
