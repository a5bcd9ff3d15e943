"""How fast TMDb is asked, and whether at all: one small file holds it for all processes of this machine.

TMDb allows about 40 requests a second and address. Requests are evenly spaced below that; a 429 halves the rate, which
then grows back, and holds everybody up for as long as TMDb says. After some failures in a row nobody asks for a while
(a circuit breaker); then one request tries, and its outcome speaks for all.
"""

from __future__ import annotations

import fcntl
import os
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from matinee.tmdb.failures import Away

PER_SECOND = 30.0
"""Measured on a busy machine, requests that wait for its processor come in heaps: up to ten more in a second."""
SLOWEST_PER_SECOND = 1.0
RECOVERY_PER_SECOND = 0.2
"""What the rate gains each second after it was halved: full again in a minute and a half."""
LONGEST_PAUSE_SECONDS = 60.0
"""Whatever Retry-After says."""
FAILURES_IN_A_ROW = 5
FIRST_REST_SECONDS = 15.0
LONGEST_REST_SECONDS = 300.0
LONGEST_PROBE_SECONDS = 30.0


@dataclass
class PaceState:
    """What the file holds. Instants are seconds of time.time(), 0 for never."""

    next_at: float = 0.0
    """When the next request may be sent."""
    paused_until: float = 0.0
    cut_to: float = PER_SECOND
    cut_at: float = 0.0
    failures: float = 0.0
    """In a row."""
    rests: float = 0.0
    """In a row, of the breaker."""
    open_until: float = 0.0
    probing_until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the breaker keeps requests back, apart from the one that tries."""
        return self.failures >= FAILURES_IN_A_ROW

    def is_resting(self, now: float) -> bool:
        """Whether nobody asks at all."""
        return self.is_open and self.open_until > now

    def forget_another_clock(self, now: float) -> None:
        """Drop instants that lie too far ahead to have been written by today's clock."""
        self.next_at = _unless_beyond(self.next_at, now + LONGEST_PAUSE_SECONDS)
        self.paused_until = _unless_beyond(self.paused_until, now + LONGEST_PAUSE_SECONDS)
        self.open_until = _unless_beyond(self.open_until, now + LONGEST_REST_SECONDS)
        self.probing_until = _unless_beyond(self.probing_until, now + LONGEST_PROBE_SECONDS)


LAYOUT = struct.Struct("<8d")


class Pace:
    """The turns of everybody on this machine who asks TMDb. Safe between threads and processes."""

    def __init__(
        self,
        path: Path,
        *,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._per_second = per_second
        self._clock = clock
        self._stopped = threading.Event()

    def wait_for_turn(self, *, seconds: float) -> None:
        """Return when the next request may be sent. Raises Away where that is later than `seconds` from now."""
        with self._locked() as state:
            now = self._clock()
            state.forget_another_clock(now)
            _pass_breaker(state, now)
            turn = max(now, state.next_at, state.paused_until)
            if turn - now > seconds:
                state.probing_until = 0.0
                raise Away("TMDb has been asked as often as it allows.", seconds=turn - now)
            state.next_at = turn + 1 / self._rate(state, now)
        if self._stopped.wait(turn - now):
            raise Away("This program stops.", seconds=0.0)

    def stop(self) -> None:
        """Nobody of this process gets another turn, those who wait for one included."""
        self._stopped.set()

    def succeeded(self) -> None:
        """TMDb answered, whatever it said."""
        if self.state().failures:
            with self._locked() as state:
                state.failures = state.rests = state.open_until = state.probing_until = 0.0

    def failed(self) -> None:
        """TMDb gave no answer that can be read."""
        with self._locked() as state:
            now = self._clock()
            state.failures += 1
            was_probe = state.probing_until > now
            if state.failures == FAILURES_IN_A_ROW or (state.is_open and was_probe):
                rest = min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2**state.rests)
                state.open_until = now + rest * random.uniform(0.8, 1.0)  # noqa: S311 - it spreads load, it protects nothing
                state.rests += 1
                state.probing_until = 0.0

    def slow_down(self, *, seconds: float) -> None:
        """TMDb answered 429: nobody asks for `seconds`, and then half as often."""
        with self._locked() as state:
            now = self._clock()
            state.cut_to = max(SLOWEST_PER_SECOND, self._rate(state, now) / 2)
            state.cut_at = now
            state.paused_until = max(state.paused_until, now + min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS))
            state.probing_until = 0.0

    def state(self) -> PaceState:
        """As it is at this moment."""
        try:
            return PaceState(*LAYOUT.unpack(self._path.read_bytes()))
        except (FileNotFoundError, struct.error):  # not yet written, or by nobody of ours
            return PaceState()

    def _rate(self, state: PaceState, now: float) -> float:
        if not state.cut_at:
            return self._per_second
        return min(self._per_second, state.cut_to + RECOVERY_PER_SECOND * max(now - state.cut_at, 0.0))

    @contextmanager
    def _locked(self) -> Iterator[PaceState]:
        """What stands in the file, which no other can read to change it meanwhile; what changed is written."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            content = os.pread(descriptor, LAYOUT.size + 1, 0)
            state = PaceState(*LAYOUT.unpack(content)) if len(content) == LAYOUT.size else PaceState()
            try:
                yield state
            finally:
                os.pwrite(descriptor, LAYOUT.pack(*astuple(state)), 0)
        finally:
            os.close(descriptor)


def _pass_breaker(state: PaceState, now: float) -> None:
    """Raises Away where the breaker is open, unless this request is the one that tries whether it may close."""
    if not state.is_open:
        return
    closed_for = max(state.open_until, state.probing_until) - now
    if closed_for > 0:
        raise Away("TMDb has failed too often in a row; it is given a rest.", seconds=closed_for)
    state.probing_until = now + LONGEST_PROBE_SECONDS


def _unless_beyond(instant: float, latest: float) -> float:
    return instant if instant <= latest else 0.0
