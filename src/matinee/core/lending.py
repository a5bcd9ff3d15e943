"""What a thread holds for its request, lent to others while it waits for another machine.

Only so many requests are worked on at once, each with a connection to the database; one that waits for the network
needs neither, and must not keep others from answering.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

_of_this_thread = threading.local()
Lend = Callable[[], AbstractContextManager[None]]


@contextmanager
def lendable(lend: Lend) -> Iterator[None]:
    """For this thread, `lend` gives away what it holds, and gets the like of it back in the end."""
    _of_this_thread.lend = lend
    try:
        yield
    finally:
        del _of_this_thread.lend


def lent() -> AbstractContextManager[None]:
    """While this thread waits. Within it nothing may ask the database, and around it no transaction be open."""
    lend: Lend = getattr(_of_this_thread, "lend", nullcontext)
    return lend()
