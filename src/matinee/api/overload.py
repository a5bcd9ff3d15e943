"""When more is asked for than can be done: how many may wait for their turn, and what the others are told.

A queue that stands has no end of its own: whoever waits in it waits for all of it, and nothing more is done for that.
A pulse is something else; its queue runs empty. So many may wait, until a queue shows that it stands; then a few, so
that each who is let in is answered about as soon as ever, and the others are told at once to come again.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import Counter

from matinee.api.problems import problem

MOST_WAITING = 160
"""For a turn of a worker, each on a thread that the server has for them. Once so many do it is too much."""
FEW = 3
"""Then so many may have a turn or wait for one: enough that no turn waits for somebody to take it."""
MORE_WAITING = 16
"""From there it is tried step by step whether more would still be too much, first with so many."""
STEP_SECONDS = 4.0
STANDING_SECONDS = 1.0
"""Where more than MORE_WAITING wait and it takes longer until nobody does it is too much, too: a pulse would be over.
This is looked at as turns come: while none does, as with a disk that stands still for a moment, nothing is known."""
STUCK_SECONDS = 3.0
"""Nobody has had a turn for so long: who comes now would wait in vain."""

REFUSALS = Counter("matinee_overload_refusals", "Requests refused since more was asked for than could be done.")
TOO_MUCH = "There is more to do than can be done in time; try again soon."


class Overload:
    """Who may wait for a turn. Knows no clock and no threads: it is told what happens, one thing after the other."""

    def __init__(self, *, turns: int, most: int = MOST_WAITING, more: int = MORE_WAITING) -> None:
        self.most = most
        self._more = more
        self._steps = max(FEW - turns, 0), more, most
        self._step = len(self._steps) - 1
        self._since = 0.0
        self._many_since: float | None = None

    @property
    def may_wait(self) -> int:
        return self._steps[self._step]

    def admits(self, *, waiting: int, longest: float, now: float) -> bool:
        """Whether somebody for whom no turn is free may wait behind `waiting` others, of whom the next has waited
        `longest` seconds."""
        if longest >= STUCK_SECONDS:
            return False
        if steps := int((now - self._since) / STEP_SECONDS):
            self._step, self._since = min(self._step + steps, len(self._steps) - 1), now
        if waiting < self.may_wait:
            return True
        self._let_few_wait(now)
        return False

    def turn_came(self, *, waiting: int, now: float) -> None:
        """Somebody has a turn now, and so many still wait."""
        if not waiting:
            self._many_since = None
        elif self._many_since is None:
            self._many_since = now if waiting > self._more else None
        elif now - self._many_since >= STANDING_SECONDS:
            self._let_few_wait(now)

    def _let_few_wait(self, now: float) -> None:
        self._many_since = None
        if self._step > 0:
            self._step, self._since = 0, now


class Refusal:
    """The answer, made once: where there is too much to do it must cost next to nothing."""

    def __init__(self) -> None:
        response = problem(503, detail=TOO_MUCH)
        self._status = f"{response.status_code} {response.reason_phrase}"
        self._headers, self._body = [*response.items()], [response.content]

    def __call__(self, start_response: Any) -> list[bytes]:
        REFUSALS.inc()
        start_response(self._status, self._headers)
        return self._body
