"""How many requests somebody gets in a minute, over all workers together.

Windows are the minutes of the clock. Some limits are counted request by request, and are exact. Others are drawn in
leases: a worker takes a tenth of the limit at a time and serves from that without asking again, so that all workers
together never serve more than the limit, but may serve less, by what other workers still hold.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from django.conf import settings

from matinee.core.counters import Counters, CountersAway, FileCounters, OwnCounters, ValkeyCounters

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
LEASES = 10
AWAY_SECONDS = 5.0


class Quota(NamedTuple):
    """Where somebody stands with a limit once a request is counted."""

    served: bool
    remaining: int
    resets_in: int
    """Whole seconds, never less than it takes."""


@dataclass
class Held:
    """What this process knows of one counter in this window."""

    used: int = 0
    """By all workers together, when it was last asked."""
    left: int = 0
    """Of the lease that was drawn last, still to be served."""


class Limiter:
    """Counts by `counters`; while they are away every process counts for itself."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._own = OwnCounters()
        self._away_until = float("-inf")
        self._lock = threading.Lock()
        self._window = 0
        self._held: dict[str, Held] = {}

    def take(self, key: str, *, limit: int, in_leases: bool, now: float) -> Quota:
        """Count one request of `key` at `now`, as time.time() counts."""
        window, second = divmod(int(now), WINDOW_SECONDS)
        with self._lock:
            if window != self._window:
                self._window, self._held = window, {}
            held = self._held.setdefault(key, Held())
            served = held.left > 0
            if served:
                held.left -= 1
            used_up = held.used >= limit
        if not served and not used_up:
            amount = max(limit // LEASES, 1) if in_leases else 1
            served = self._draw(key, held, window=window, amount=amount, limit=limit)
        remaining = max(limit - held.used, 0) + held.left
        return Quota(served, remaining, WINDOW_SECONDS - second)

    def _draw(self, key: str, held: Held, *, window: int, amount: int, limit: int) -> bool:
        """Take up to `amount` of what is left of the limit, the first for the request that asks."""
        used = self._add(key, window=window, amount=amount)
        granted = min(amount, limit - (used - amount))
        with self._lock:
            held.used = max(held.used, used)
            held.left += max(granted - 1, 0)
        return granted > 0

    def _add(self, key: str, *, window: int, amount: int) -> int:
        if time.monotonic() >= self._away_until:
            try:
                return self._counters.add(key, window=window, amount=amount)
            except CountersAway as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                logger.error("Each process counts requests for itself: %s", error)  # noqa: TRY400 - no trace needed
        return self._own.add(key, window=window, amount=amount)


@cache
def limiter() -> Limiter:
    """The one of this process."""
    if settings.VALKEY_URL:
        return Limiter(ValkeyCounters(settings.VALKEY_URL))
    return Limiter(FileCounters(settings.LIMITS_FILE))
