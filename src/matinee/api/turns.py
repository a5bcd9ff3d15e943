"""Who is answered when: one request at once, or a few, each with a connection to the database.

The server brings a request on a thread of its own. It waits for its turn without one. Where more comes than can be
done, `overload` says who is refused at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from queue import SimpleQueue
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from matinee.api.arriving_bodies import ArrivingBodies, BodyRefused
from matinee.api.gateway import Wsgi
from matinee.api.overload import Overload, PreparedRefusal, tell_tree, told_by_tree
from matinee.api.problems import problem
from matinee.core.exchange import Exchange
from matinee.core.lending import lendable
from matinee.core.waiting import READ_AHEAD, others_wait

logger = logging.getLogger(__name__)

MOST_LENDERS = 128
"""Requests that wait for another machine, each on a thread: where as many do, who would wait for a turn is refused."""
MOST_OF_SERVER = 4
"""Where as many lend their turn, whoever comes is answered on a thread of ours: the server keeps enough of its own."""
MOST_FILES = 32
"""Files that are sent at once, each on a thread, as slowly as they are read."""

AWAY_SECONDS = 0.2
"""So long at a time a thread of the server stays away where it is too much. Others may have to wait for bodies."""
STILL_SHARE = 0.2
"""Of the time that an answer took: where nobody has come for so long, nobody waits in the server any more."""

MOST_READ_FOR = 16
"""Requests that wait and for which another one reads ahead."""

LIVENESS = "/livez"
"""Takes no turn: a worker that is behind is alive, and to be restarted would not help it."""
WATCHED = frozenset({"/readyz", "/metrics"})
"""Asked by who looks after the service, and most needed where there is too much to do: these wait with many others."""


class Turn(NamedTuple):
    """That is waited for."""

    whose: Exchange | SimpleQueue[BaseDatabaseWrapper]
    """A request that has not begun, or where one that has lent its turn waits for another."""
    since: float
    is_sure: bool
    """Whether it is kept where more is asked for than can be done."""


Todo = tuple[Exchange, BaseDatabaseWrapper]
"""A request whose turn it is, and the connection that comes with it."""


class Turns:
    """Answers `at_once` requests at once, each with a connection to the database that none of the others has.

    Where a turn is free, the server's thread that brings a request answers it, and then whoever waits by now, for as
    long as somebody does: those have no thread, which would have to be woken for each of them. Who has waited longest
    is next, but while a young queue grows long (`overload`). Who waits for another machine lends the turn meanwhile.

    Where it is too much who came last is next, and who waited before is refused. The server's threads bring nobody
    while an answer is made: each whom they bring is one more to refuse, for which the answer, at its next statement,
    would have to give the interpreter away. They do while the turn rests after it.
    """

    def __init__(self, application: Wsgi, *, at_once: int) -> None:
        self._application = application
        self._bodies = ArrivingBodies()
        self._changing = threading.Lock()
        self._free: list[BaseDatabaseWrapper] = []
        self._waiting: deque[Turn] = deque()
        self._lenders = 0
        self._answer_over = threading.Condition(self._changing)
        self._end_is_awaited = False
        self._resting = 0
        self._came = 0
        """So many have begun to wait, ever."""
        self._files = threading.BoundedSemaphore(MOST_FILES)
        self._overload = Overload(tell_others=tell_tree, others_told=told_by_tree)
        self._refusal = PreparedRefusal()
        for _ in range(at_once):
            connection = connections.create_connection(DEFAULT_DB_ALIAS)
            connection.inc_thread_sharing()
            self._free.append(connection)

    def __call__(self, exchange: Exchange) -> None:
        """Return when it is answered, or waits for its turn."""
        environ = exchange.environ
        if environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
            try:
                is_whole = self._bodies.read(environ)
            except BodyRefused as refused:
                exchange.end_connection()
                _send(exchange, problem(refused.status, detail=str(refused)))
                return
            if not is_whole:
                exchange.end_connection()
        if environ.get("PATH_INFO") == LIVENESS:
            self._answer(exchange)
        elif (connection := self._take(exchange)) is not None:
            if self._lenders < MOST_OF_SERVER:
                self._work(exchange, connection)
            else:
                self._work_apart(exchange, connection)

    def _take(self, exchange: Exchange) -> BaseDatabaseWrapper | None:
        """None where it can't have a turn now: it waits for one, or was refused."""
        now = time.monotonic()
        is_watched = exchange.environ.get("PATH_INFO") in WATCHED
        with self._changing:
            if self._free:
                self._overload.turn_came(after=0.0, now=now)
                return self._free.pop()
            refused = [] if self._admits(is_watched=is_watched, now=now) else [exchange]
            if not refused:
                exchange.environ[READ_AHEAD] = []
                self._came += 1
                self._waiting.append(Turn(exchange, now, is_sure=is_watched))
            refused += self._turned_away()
            quiet_for = 0.0 if self._resting else self._overload.quiet_for(now)
        self._refuse(refused)
        if quiet_for:
            self._stay_away(quiet_for)
        return None

    def _stay_away(self, seconds: float) -> None:
        """With one thread of the server, so that it brings nobody: until an answer is over, at most for `seconds`.
        Where one does that already the others stay away for longer: one is enough to tell who comes."""
        with self._changing:
            is_first = not self._end_is_awaited
            if is_first and not (self._free or self._resting):
                self._end_is_awaited = True
                self._answer_over.wait(seconds)
                self._end_is_awaited = False
        if not is_first:
            time.sleep(AWAY_SECONDS)

    def _admits(self, *, is_watched: bool, now: float) -> bool:
        waiting = len(self._waiting)
        if is_watched:
            return waiting < self._overload.most
        longest = now - self._waiting[0].since if waiting else 0.0
        return self._lenders < MOST_LENDERS and self._overload.admits(waiting=waiting, longest=longest, now=now)

    def _turned_away(self) -> list[Exchange]:
        """Who waited though fewer may by now: all but those who came first, or, if it is too much, who came last."""
        if len(self._waiting) <= (may_wait := self._overload.may_wait):
            return []
        sure = [turn for turn in self._waiting if turn.is_sure]
        unsure = [turn for turn in self._waiting if not turn.is_sure]
        if self._overload.is_too_much:
            refused, kept = unsure[:-1], unsure[-1:]
        else:
            kept, refused = unsure[:may_wait], unsure[may_wait:]
        self._waiting = deque(sure + kept)
        return [turn.whose for turn in refused if not isinstance(turn.whose, SimpleQueue)]

    def _refuse(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            exchange.send(self._refusal(exchange.start_response))

    def _work(self, *first: *Todo) -> None:
        """Answer a request, and whoever waits by then, for as long as somebody does."""
        todo: Todo | None = first
        with lendable(self._lent), others_wait(self._next):
            while todo is not None:
                exchange, connections[DEFAULT_DB_ALIAS] = todo
                self._answer(exchange)
                self._rest()
                todo = self._pass_on()

    def _rest(self) -> None:
        """After an answer, where it is too much: until nobody comes any more, but no longer than the answer took. Those
        who came to the server meanwhile are refused then, and who is next has come just now."""
        now = time.monotonic()
        longest = self._overload.rest_after(now)
        if not longest:
            return
        with self._changing:
            self._resting += 1
            self._answer_over.notify()
        until, came = now + longest, None
        while came != self._came and time.monotonic() < until:
            came = self._came
            time.sleep(STILL_SHARE * longest)
        with self._changing:
            self._resting -= 1

    def _work_apart(self, *first: *Todo) -> None:
        try:
            threading.Thread(target=self._work, args=first, daemon=True).start()
        except RuntimeError:  # there is none to be had
            exchange, connection = first
            self._refuse([exchange])
            with self._changing:
                self._free.append(connection)

    def _pass_on(self) -> Todo | None:
        """The turn of this thread goes to who is next: a request, for this thread to answer, or one that had lent its
        turn. Where nobody waits it is free."""
        connection, now = connections[DEFAULT_DB_ALIAS], time.monotonic()
        del connections[DEFAULT_DB_ALIAS]
        with self._changing:
            if not self._waiting:
                self._free.append(connection)
                self._answer_over.notify()
                return None
            turn = self._waiting.pop() if self._newest_is_next(now) else self._waiting.popleft()
            self._overload.turn_came(after=now - turn.since, now=now)
            refused = self._turned_away()
        self._refuse(refused)
        if not isinstance(turn.whose, SimpleQueue):
            return turn.whose, connection
        turn.whose.put(connection)
        return None

    def _answer(self, exchange: Exchange) -> None:
        try:
            answer = self._application(exchange.environ, exchange.start_response)
            if not isinstance(answer, HttpResponseBase):
                exchange.send(answer)
            elif answer.streaming:
                self._send_file(exchange, answer)
            else:
                body = [*answer]
                answer.close()  # looks after the connection, and so belongs to the turn
                exchange.send(body)
        except Exception:
            logger.exception("A request failed outside of Django.")
            with suppress(Exception):  # where the way back is what failed
                _send(exchange, problem(500))

    def _newest_is_next(self, now: float) -> bool:
        return self._overload.newest_is_next(waiting=len(self._waiting), now=now)

    def _next(self) -> list[dict[str, Any]]:
        """The requests that are next, those aside that have begun."""
        now = time.monotonic()
        with self._changing:
            in_turn = reversed(self._waiting) if self._newest_is_next(now) else self._waiting
            return [
                turn.whose.environ for turn in islice(in_turn, MOST_READ_FOR) if not isinstance(turn.whose, SimpleQueue)
            ]

    @contextmanager
    def _lent(self) -> Iterator[None]:
        with self._changing:
            self._lenders += 1
        if (todo := self._pass_on()) is not None:
            self._work_apart(*todo)
        try:
            yield
        finally:
            comes_with: SimpleQueue[BaseDatabaseWrapper] = SimpleQueue()
            with self._changing:
                self._lenders -= 1
                if self._free:
                    self._overload.turn_came(after=0.0, now=time.monotonic())
                    comes_with.put(self._free.pop())
                else:
                    self._waiting.append(Turn(comes_with, time.monotonic(), is_sure=True))
            connections[DEFAULT_DB_ALIAS] = comes_with.get()

    def _send_file(self, exchange: Exchange, file: HttpResponseBase) -> None:
        """It takes as long as its reader likes, and no turn: it needs no database."""
        if not self._files.acquire(blocking=False):
            file.close()
            _send(exchange, problem(503, detail="Too many files are on their way at once; try again soon."))
            return

        def send() -> None:
            try:
                exchange.send(file)
            finally:
                self._files.release()

        threading.Thread(target=send, daemon=True).start()


def _send(exchange: Exchange, response: HttpResponse) -> None:
    exchange.start_response(f"{response.status_code} {response.reason_phrase}", [*response.items()])
    exchange.send([response.content])
