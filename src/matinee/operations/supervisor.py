"""One tree of processes: starts them, restarts what dies, and leaves nothing behind."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from types import FrameType

from matinee.core import processes

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.1
GRACE_SECONDS = 9.0
"""Just over the job worker's own. It comes after the draining: 14 s with production's, and so more than the ten that
`docker stop` gives by default."""
STEADY_AFTER_SECONDS = 10.0
TRIES = 5
FIRST_PAUSE_SECONDS = 0.25
MOST_DOUBLINGS = 8
"""Of the pause: a minute at the longest."""


class CannotStart(Exception):
    """A child ended again and again soon after it was started; the message names it."""


@dataclass
class Child:
    """A process of the tree, which ends with the supervisor."""

    name: str
    work: Callable[[], object]
    answers: bool = False
    """Whether it is one of those that requests come to: it starts before the others, and goes on while they drain."""
    is_vital: bool = True
    """Where not, the tree goes on without it, and it is tried again and again."""
    process: BaseProcess | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    start_again_at: float = field(default=0.0, init=False)
    quick_ends: int = field(default=0, init=False)

    def start(self) -> None:
        """In a process group of its own, so that Ctrl-C reaches the supervisor alone, which then asks each child."""
        self.process = processes.start(self.name, self.work)
        self.started_at = time.monotonic()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive()


class Supervisor:
    """Runs `children` until it is told to stop. Those that answer have the machine to themselves until `is_up` says
    that they do; then the others start, and `announce` is called once. Told to stop, it calls `drain` and leaves those
    that answer running for `drain_seconds`, while the others stop already.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        is_up: Callable[[], bool] = lambda: True,
        announce: Callable[[], None] = lambda: None,
        drain: Callable[[], None] = lambda: None,
        drain_seconds: float = 0.0,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._children = children
        self._is_up = is_up
        self._announce = announce
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._grace_seconds = grace_seconds
        self._signals_seen = 0

    def run(self) -> None:
        """Return after a clean stop by SIGTERM or SIGINT (a second signal kills at once). Raises CannotStart."""
        wanted: Sequence[Child] = [child for child in self._children if child.answers]
        with self._signals():
            try:
                while not self._signals_seen:
                    for child in wanted:
                        self._keep_alive(child)
                    if wanted is not self._children and self._is_up():
                        wanted = self._children
                        self._announce()
                    else:
                        time.sleep(LOOK_EVERY_SECONDS)
            finally:
                self._stop_all()

    def _keep_alive(self, child: Child) -> None:
        now = time.monotonic()
        if child.is_alive():
            return
        if child.process is not None:
            self._note_end(child, child.process, now=now)
        if now >= child.start_again_at:
            child.start()

    def _note_end(self, child: Child, process: BaseProcess, *, now: float) -> None:
        is_well = now - child.started_at >= STEADY_AFTER_SECONDS or process.exitcode == -signal.SIGKILL  # by others
        child.quick_ends = 0 if is_well else child.quick_ends + 1
        child.process = None
        if child.is_vital and (child.quick_ends >= TRIES or process.exitcode == os.EX_CONFIG):
            raise CannotStart(
                f"The {child.name} does not stay up (its last exit code is {process.exitcode}): "
                "the lines above say why."
            )
        pause = FIRST_PAUSE_SECONDS * 2 ** min(child.quick_ends, MOST_DOUBLINGS)
        child.start_again_at = now + pause
        logger.error("The %s ended with %s; it starts again in %.1f s", child.name, process.exitcode, pause)

    def _stop_all(self) -> None:
        asked = self._signals_seen
        self._ask_to_stop([child for child in self._children if not child.answers])
        answering = [child for child in self._children if child.answers]
        if asked and self._drain_seconds:
            self._let_drain(answering)
        self._ask_to_stop(answering)
        deadline = time.monotonic() + self._grace_seconds
        while self._alive() and time.monotonic() < deadline and self._signals_seen <= max(asked, 1):
            time.sleep(LOOK_EVERY_SECONDS / 4)
        for child in self._alive():
            child.kill()
            child.join()

    def _let_drain(self, answering: Sequence[Child]) -> None:
        self._drain()
        until = time.monotonic() + self._drain_seconds
        while any(child.is_alive() for child in answering) and time.monotonic() < until and self._signals_seen == 1:
            time.sleep(LOOK_EVERY_SECONDS / 4)

    def _ask_to_stop(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.process is not None and child.is_alive():
                child.process.terminate()

    def _alive(self) -> list[BaseProcess]:
        return [child.process for child in self._children if child.process is not None and child.is_alive()]

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._seen) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _seen(self, _number: int, _frame: FrameType | None) -> None:
        self._signals_seen += 1
