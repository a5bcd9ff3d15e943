"""Bodies are waited for by a few threads of the web server.

It reads a body on the thread that brings the request, knows no deadline for it and can't break a read off. So bodies on
their way hold a part of its threads, in all and for each client.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from matinee.core.client_address import client_address
from matinee.core.networks import SUBSCRIBER, network_of

MOST_READ = 12
"""Bodies on their way to a worker: those that never come hold so many of its threads, as long as they like."""
MOST_READ_OF_ONE = 4
MOST_WAITING = 8
"""Requests that wait for one of the above, each on a thread, too."""
TURN_WITHIN_SECONDS = 1.0
LATE_AFTER_SECONDS = 0.5
"""Bodies mostly come with their request. Nobody waits for the turn of one that did not."""
WHOLE_WITHIN_SECONDS = 30.0
PIECE = 16_384

DETAIL_OF_STATUS = {
    400: "The body ended before its length was reached.",
    408: f"The body was not there within {WHOLE_WITHIN_SECONDS:.0f} seconds.",
    503: "Too many bodies are on their way at once; try again soon.",
}


class BodyRefused(Exception):
    """A body was not read, or not to its end; the status says why."""

    def __init__(self, status: int) -> None:
        super().__init__(DETAIL_OF_STATUS[status])
        self.status = status


class ArrivingBodies:
    """Reads them, so many at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reading: dict[object, tuple[str, float]] = {}  # whose, since when
        self._waiting = 0

    def read(self, environ: dict[str, Any]) -> bool:
        """Put the body into `environ`, up to the first byte too much; False where that is not all of it. Raises
        BodyRefused."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        size = most if is_chunked else int(environ["CONTENT_LENGTH"])
        if size > most:  # Django refuses it by its length
            environ["wsgi.input"] = io.BytesIO()
            return False
        with self._turn_of(network_of(client_address(environ), SUBSCRIBER)):
            body = _read(environ["wsgi.input"], size)
        if is_chunked:
            environ["CONTENT_LENGTH"] = str(len(body))  # Django reads no more of a body than its length
        elif len(body) < size:
            raise BodyRefused(400)
        environ["wsgi.input"] = io.BytesIO(body)
        return len(body) < most

    @contextmanager
    def _turn_of(self, client: str) -> Iterator[None]:
        key = object()
        with self._changed:
            if self._holders(client) is not None:
                self._wait(client)
            self._reading[key] = client, time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._reading[key]
                self._changed.notify_all()

    def _wait(self, client: str) -> None:
        """Until there is room, while those who have the room may still make some. Raises BodyRefused."""
        until = time.monotonic() + TURN_WITHIN_SECONDS
        self._waiting += 1
        try:
            while (holders := self._holders(client)) is not None:
                now = time.monotonic()
                fresh_for = max(holders) + LATE_AFTER_SECONDS - now
                if self._waiting > MOST_WAITING or min(fresh_for, until - now) <= 0:
                    raise BodyRefused(503)
                self._changed.wait(min(fresh_for, until - now))
        finally:
            self._waiting -= 1

    def _holders(self, client: str) -> list[float] | None:
        """Since when those read that leave no room for `client`; None where there is room."""
        own = [since for whose, since in self._reading.values() if whose == client]
        if len(own) >= MOST_READ_OF_ONE:
            return own
        return [since for _, since in self._reading.values()] if len(self._reading) >= MOST_READ else None


def _read(source: Any, size: int) -> bytes:
    """Raises BodyRefused between two pieces; within one nothing can be broken off."""
    until = time.monotonic() + WHOLE_WITHIN_SECONDS
    pieces: list[bytes] = []
    while size and (piece := source.read(min(size, PIECE))):
        pieces.append(piece)
        size -= len(piece)
        if time.monotonic() > until:
            raise BodyRefused(408)
    return b"".join(pieces)
