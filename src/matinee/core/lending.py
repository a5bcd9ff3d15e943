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
    """Within the block `lent` works on this thread: entering `lend()` gives away what the thread holds, and leaving it
    waits until there is another one to hold."""
    _of_this_thread.lend = lend
    try:
        yield
    finally:
        del _of_this_thread.lend


def lent() -> AbstractContextManager[None]:
    """To be entered while this thread waits for something. The block must not use the database, and must not be entered
    inside a transaction."""
    lend: Lend = getattr(_of_this_thread, "lend", nullcontext)
    return lend()
