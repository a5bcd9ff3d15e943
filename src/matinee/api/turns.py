"""Who may use a thread of the web server for what: bodies are waited for by a few, the application runs for fewer.

The server reads a body on the thread that then calls the application, knows no deadline for it and can't break a read
off. Were its threads only as many as the application may use, a few bodies that never come would hold all of them. So
it has more, of which bodies on their way hold a part, in all and for each client; and the application waits for its
turn once the body is there. Where more comes than can be done, `overload` says who is refused at once.
"""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http.response import HttpResponseBase

from matinee.api.gateway import Wsgi
from matinee.api.overload import Overload, PreparedRefusal, tell_tree, told_by_tree
from matinee.api.problems import problem
from matinee.core.client_address import client_address
from matinee.core.lending import lendable
from matinee.core.networks import SUBSCRIBER, network_of

MOST_READ = 12
"""Bodies on their way to a worker: those that never come hold so many of its threads, as long as they like."""
MOST_READ_OF_ONE = 4
MOST_WAITING = 16
"""Requests that wait for one of the above, each on a thread, too."""
TURN_WITHIN_SECONDS = 1.0
LATE_AFTER_SECONDS = 0.5
"""Bodies mostly come with their request. Nobody waits for the turn of one that did not."""
WHOLE_WITHIN_SECONDS = 30.0
PIECE = 16_384

LIVENESS = "/livez"
"""Takes no turn: a worker that is behind is alive, and to be restarted would not help it."""
WATCHED = frozenset({"/readyz", "/metrics"})
"""Asked by who looks after the service, and most needed where there is too much to do: these wait with many others."""

DETAIL_OF_STATUS = {
    400: "The body ended before its length was reached.",
    408: f"The body was not there within {WHOLE_WITHIN_SECONDS:.0f} seconds.",
    503: "Too many bodies are on their way at once; try again soon.",
}


class Refused(Exception):
    """A body was not read, or not to its end; the status says why."""

    def __init__(self, status: int) -> None:
        super().__init__(DETAIL_OF_STATUS[status])
        self.status = status


class Bodies:
    """Reads them, so many at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reading: dict[object, tuple[str, float]] = {}  # whose, since when
        self._waiting = 0

    def read(self, environ: dict[str, Any]) -> None:
        """Put the body into `environ`, up to the first byte too much. Raises Refused."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        size = most if is_chunked else int(environ["CONTENT_LENGTH"])
        if size > most:  # Django refuses it by its length
            environ["wsgi.input"] = io.BytesIO()
            return
        with self._turn_of(network_of(client_address(environ), SUBSCRIBER)):
            body = _read(environ["wsgi.input"], size)
        if is_chunked:
            environ["CONTENT_LENGTH"] = str(len(body))  # Django reads no more of a body than its length
        elif len(body) < size:
            raise Refused(400)
        environ["wsgi.input"] = io.BytesIO(body)

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
        """Until there is room, while those who have the room may still make some. Raises Refused."""
        until = time.monotonic() + TURN_WITHIN_SECONDS
        self._waiting += 1
        try:
            while (holders := self._holders(client)) is not None:
                now = time.monotonic()
                fresh_for = max(holders) + LATE_AFTER_SECONDS - now
                if self._waiting > MOST_WAITING or min(fresh_for, until - now) <= 0:
                    raise Refused(503)
                self._changed.wait(min(fresh_for, until - now))
        finally:
            self._waiting -= 1

    def _holders(self, client: str) -> list[float] | None:
        """Since when those read that leave no room for `client`; None where there is room."""
        own = [since for whose, since in self._reading.values() if whose == client]
        if len(own) >= MOST_READ_OF_ONE:
            return own
        return [since for _, since in self._reading.values()] if len(self._reading) >= MOST_READ else None


class Turn(NamedTuple):
    """That is waited for."""

    comes_with: SimpleQueue[BaseDatabaseWrapper | None]
    """A connection; None where it was told to come again."""
    since: float
    is_sure: bool
    """Whether it is kept where more is asked for than can be done."""


class Turns:
    """Calls the application on `at_once` threads at once, which lend each other their connections to the database.

    Who waits for another machine is none of them meanwhile. Who has waited longest is next: where all wait for one
    queue, who comes just as a connection is put there takes it, and who was woken for it waits again behind the others.
    """

    def __init__(self, application: Wsgi, *, at_once: int) -> None:
        self._application = application
        self._bodies = Bodies()
        self._changing = threading.Lock()
        self._free: list[BaseDatabaseWrapper] = []
        self._waiting: deque[Turn] = deque()
        self._overload = Overload(tell_others=tell_tree, others_told=told_by_tree)
        self._refusal = PreparedRefusal()
        for _ in range(at_once):
            connection = connections.create_connection(DEFAULT_DB_ALIAS)
            connection.inc_thread_sharing()
            self._free.append(connection)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
            try:
                self._bodies.read(environ)
            except Refused as refused:
                # nobody knows where the next request of this connection would begin
                return _refusal(refused.status, str(refused), start_response)
        path = environ.get("PATH_INFO")
        if path == LIVENESS:
            return self._application(environ, start_response)
        if not self._take(is_watched=path in WATCHED):
            return self._refusal(start_response)
        try:
            with lendable(self._lent):
                answer = self._application(environ, start_response)
            if not isinstance(answer, HttpResponseBase) or answer.streaming:
                return answer  # files, which need no database
            body = [*answer]
            answer.close()  # looks after the connection, and so belongs to the turn
            return body
        finally:
            self._give_back()

    @contextmanager
    def _lent(self) -> Iterator[None]:
        self._give_back()
        try:
            yield
        finally:
            self._take(is_begun=True)

    def _take(self, *, is_watched: bool = False, is_begun: bool = False) -> bool:
        """False where the request is refused, at once or while it waited."""
        now = time.monotonic()
        turn = Turn(SimpleQueue(), now, is_sure=is_watched or is_begun)
        with self._changing:
            if self._free:
                turn.comes_with.put(self._free.pop())
                self._overload.turn_came(after=0.0, now=now)
            elif is_begun or self._admits(is_watched=is_watched, now=now):
                self._waiting.append(turn)
            else:
                return False
        connection = turn.comes_with.get()
        if connection is None:
            return False
        connections[DEFAULT_DB_ALIAS] = connection
        return True

    def _admits(self, *, is_watched: bool, now: float) -> bool:
        waiting = len(self._waiting)
        if is_watched:
            return waiting < self._overload.most
        longest = now - self._waiting[0].since if waiting else 0.0
        is_admitted = self._overload.admits(waiting=waiting, longest=longest, now=now)
        self._turn_away()
        return is_admitted

    def _turn_away(self) -> None:
        """Who waits though fewer may by now: all but those who came first."""
        if len(self._waiting) > (may_wait := self._overload.may_wait):
            waiting = [*self._waiting]
            for turn in waiting[may_wait:]:
                if not turn.is_sure:
                    turn.comes_with.put(None)
            self._waiting = deque(waiting[:may_wait] + [turn for turn in waiting[may_wait:] if turn.is_sure])

    def _give_back(self) -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        del connections[DEFAULT_DB_ALIAS]
        with self._changing:
            if not self._waiting:
                self._free.append(connection)
                return
            turn, now = self._waiting.popleft(), time.monotonic()
            turn.comes_with.put(connection)
            self._overload.turn_came(after=now - turn.since, now=now)
            self._turn_away()


def _read(source: Any, size: int) -> bytes:
    """Raises Refused between two pieces; within one nothing can be broken off."""
    until = time.monotonic() + WHOLE_WITHIN_SECONDS
    pieces: list[bytes] = []
    while size and (piece := source.read(min(size, PIECE))):
        pieces.append(piece)
        size -= len(piece)
        if time.monotonic() > until:
            raise Refused(408)
    return b"".join(pieces)


def _refusal(status: int, detail: str, start_response: Any) -> list[bytes]:
    response = problem(status, detail=detail, headers={"Connection": "close"})
    start_response(f"{status} {response.reason_phrase}", [*response.items()])
    return [response.content]
