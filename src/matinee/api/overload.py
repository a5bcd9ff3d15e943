"""When more is asked for than can be done: how many may wait for their turn, and what the others are told.

A queue that stands has no end of its own: whoever waits in it waits for all of it, and nothing more is done for that.
A pulse is something else; its queue runs empty. So many may wait, until a queue shows that it stands; then nobody but
who came last, so that each who is let in is answered about as soon as ever, and the others are told to come again.
Telling them takes the cores that answers are made on. So it is put off while an answer is made; then the turn rests
until they are told.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client import Counter

from matinee.api.problems import problem
from matinee.core.processes import SHARED_FOLDER

MOST_WAITING = 160
"""For a turn of a worker. Once so many do it is too much."""
MORE_WAITING = 8
"""After a while in which nobody may but who came last it is tried with so many whether it is still too much; every
other time with twice as many at the least, every fourth time with four times as many and so on. However many
connections a client has that comes again at once, they all fit in at last; the more are tried, the more seldom does
anybody wait behind so many."""
STEP_SECONDS = 4.0
LATE_SECONDS = 0.3
STANDING_SECONDS = 0.25
"""Where turns have come late for so long it is too much, too, however few wait. While none comes at all, as with a disk
that stands still for a moment, nothing is known of it."""
TOLD_FOR_SECONDS = 1.5 * STEP_SECONDS
"""So long after one worker of a tree has found that it is too much, no more than MORE_WAITING may wait for another that
has not found so itself: until the one has tried it again, and not until more may wait for itself."""
LOOK_EVERY_SECONDS = 0.05
"""So often a worker looks whether another has told so."""
MARK = "overloaded"
"""The file in the folder that a tree shares, which the one touches that tells."""
GROWING_SECONDS, YOUNG_SECONDS = 0.05, 0.2
"""While a queue has been longer than ever before within so long, it grows; and so long after it became long it is
young. At three times what can be done it is full by then."""
LONGEST_ON_CORES_SECONDS = 0.05
"""An answer that takes longer waits for something else than cores: no turn rests after it, and nobody keeps quiet."""
STUCK_SECONDS = 3.0
"""Nobody has had a turn for so long: who comes now would wait in vain."""

REFUSALS = Counter("matinee_overload_refusals", "Requests refused since more was asked for than could be done.")
TOO_MUCH = "There is more to do than can be done in time; try again soon."


class Overload:
    """Who may wait for a turn. Knows no clock and no threads: it is told what happens, one thing after the other.

    A client that keeps its connections sends what comes next over one that is free: to a worker that refuses, while
    all that it has with another wait there, and keep a queue that is never full. So workers tell each other.
    """

    def __init__(
        self,
        *,
        most: int = MOST_WAITING,
        tell_others: Callable[[], None] = lambda: None,
        others_told: Callable[[], bool] = lambda: False,
    ) -> None:
        self.most = most
        self._tell_others, self._others_told = tell_others, others_told
        self._was_told, self._looks_at = False, 0.0
        self.may_wait = most
        """For a turn, now; 0 where none may but who came last."""
        self._tells = True
        self._tries = 0
        self._since = 0.0
        self._late_since: float | None = None
        self._turn_came_at = 0.0
        self._peak, self._peaked_at, self._long_since = 0, 0.0, 0.0

    def admits(self, *, waiting: int, longest: float, now: float) -> bool:
        """Whether somebody for whom no turn is free may wait beside `waiting` others, of whom the next has waited
        `longest` seconds; in their place, where it is too much."""
        if longest >= STUCK_SECONDS:
            return False
        self._try_again(now)
        if waiting >= self.may_wait:
            self._find_too_much(now)
        elif self.may_wait == self.most and waiting >= MORE_WAITING and self._is_told(now):
            self._find_too_much(now, since_told=True)
        return True

    def turn_came(self, *, after: float, now: float) -> None:
        """Somebody has a turn now, having waited `after` seconds."""
        self._turn_came_at = now
        self._try_again(now)
        if after < LATE_SECONDS:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        elif now - self._late_since >= STANDING_SECONDS:
            self._find_too_much(now)

    def newest_is_next(self, *, waiting: int, now: float) -> bool:
        """Of `waiting` requests, of which the oldest is next otherwise: while a young queue grows long, or in a try.

        It may be one without an end, in which all are refused who wait. Of those the oldest have waited longest
        already; who came last can still be answered as soon as ever. Where clients come again at once, over however
        many connections, the queue soon grows no more; where it grows slowly the oldest do not wait for its end.
        """
        if waiting <= (MORE_WAITING if self.may_wait == self.most else 1):
            self._peak = 0
            return False
        if self._peak == 0:
            self._long_since = now
        if waiting > self._peak:
            self._peak, self._peaked_at = waiting, now
        return now - self._peaked_at < GROWING_SECONDS and now - self._long_since < YOUNG_SECONDS

    @property
    def is_too_much(self) -> bool:
        """So that nobody may wait but who came last."""
        return self.may_wait == 0

    def quiet_for(self, now: float) -> float:
        """For so many seconds at the most nobody else is to be brought, while somebody has the turn: where it is too
        much, since each would only be refused."""
        return max(self._turn_came_at + LONGEST_ON_CORES_SECONDS - now, 0.0) if self.is_too_much else 0.0

    def rest_after(self, now: float) -> float:
        """So many seconds at the most a turn rests whose answer is over: where it is too much, as long as that took."""
        took = now - self._turn_came_at
        return took if self.is_too_much and took <= LONGEST_ON_CORES_SECONDS else 0.0

    def _try_again(self, now: float) -> None:
        """A step after it was found to be too much so many may as it is tried with this time; all, where that went
        well for a step, or nobody came."""
        steps = int((now - self._since) / STEP_SECONDS)
        if self.may_wait == self.most or steps == 0:
            return
        self._since = now
        if self.may_wait > 0 or steps > 1:
            self.may_wait, self._tries = self.most, 0
        else:
            self._tries += 1
            self.may_wait = min(MORE_WAITING * (self._tries & -self._tries), self.most)

    def _find_too_much(self, now: float, *, since_told: bool = False) -> None:
        """From now on it is. Who was told passes it on to nobody: workers would keep each other so for ever."""
        if self.may_wait == self.most:
            self._tells = not since_told
        if self.may_wait > 0:
            self.may_wait, self._since = 0, now
            self._peak = 0
            if self._tells:
                self._tell_others()

    def _is_told(self, now: float) -> bool:
        if now >= self._looks_at:
            self._was_told, self._looks_at = self._others_told(), now + LOOK_EVERY_SECONDS
        return self._was_told


def tell_tree() -> None:
    """That a worker of it has found that it is too much."""
    if folder := os.environ.get(SHARED_FOLDER):
        with contextlib.suppress(OSError):  # on a full disk each finds it alone
            Path(folder, MARK).touch()


def told_by_tree() -> bool:
    """Whether a worker of it has told so lately."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder is None:
        return False
    try:
        return time.time() - Path(folder, MARK).stat().st_mtime < TOLD_FOR_SECONDS
    except OSError:
        return False


class PreparedRefusal:
    """The answer, made once: where there is too much to do it must cost next to nothing."""

    def __init__(self) -> None:
        response = problem(503, detail=TOO_MUCH)
        self._status = f"{response.status_code} {response.reason_phrase}"
        self._headers, self._body = [*response.items()], [response.content]

    def __call__(self, start_response: Any) -> list[bytes]:
        REFUSALS.inc()
        start_response(self._status, self._headers)
        return self._body
