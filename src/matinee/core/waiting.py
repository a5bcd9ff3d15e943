"""The requests that wait while a thread answers one: what all of them need can be read for them, too.

What is read once a request waits is newer than the request, and as good as what it would read itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

READ_AHEAD = "matinee.read_ahead"
"""Beside what the web server tells of a request that waits: a list, for what others have read for it."""

_of_this_thread = threading.local()
Waiting = Callable[[], Sequence[dict[str, Any]]]


@contextmanager
def others_wait(waiting: Waiting) -> Iterator[None]:
    """Within the block `who_waits` tells on this thread what `waiting` does."""
    _of_this_thread.waiting = waiting
    try:
        yield
    finally:
        del _of_this_thread.waiting


def who_waits() -> Sequence[dict[str, Any]]:
    """Some requests that will be answered next, as PEP 3333 has them. Another thread may begin with them meanwhile."""
    waiting: Waiting = getattr(_of_this_thread, "waiting", tuple)
    return waiting()
