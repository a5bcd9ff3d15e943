"""What a process and all that it started take together: time, CPU and memory."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

import psutil

EVERY_SECONDS = 0.5
GIB = 2**30


class Tree:
    """Looks at this process and its descendants twice a second while the context lasts.

    Memory is PSS: what several of them share, as forks do, counts once. What a process did after it was last looked at
    is missed.
    """

    def __init__(self) -> None:
        self._root = psutil.Process()
        self._cpu: dict[tuple[int, float], float] = {}
        self._memory = self._peak = 0
        self._seconds = 0.0
        self._before = self._look()
        self._is_over = threading.Event()
        self._looking = threading.Thread(target=self._look_on)

    def __enter__(self) -> Tree:
        self._began, self._busy = time.perf_counter(), sum(self._cpu.values())
        self._looking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._looking.join()
        self._seconds = time.perf_counter() - self._began

    def tell(self, step: str) -> None:
        """To whoever waits."""
        print(f"  {time.perf_counter() - self._began:6.1f} s, {self._memory / GIB:.2f} GiB  {step}", file=sys.stderr)

    def figures(self) -> dict[str, float]:
        """As `outcome.timed` gives them; the time is there once the context is over."""
        cpu = sum(list(self._cpu.values())) - self._busy
        return {
            "seconds": self._seconds,
            "cpu_seconds": cpu,
            "input_bytes": self._before,
            "peak_bytes": self._peak,
        }

    def _look_on(self) -> None:
        while not self._is_over.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> int:
        memory = 0
        for process in (self._root, *self._root.children(recursive=True)):
            try:
                times, memory = process.cpu_times(), memory + process.memory_full_info().pss
                self._cpu[process.pid, process.create_time()] = times.user + times.system
            except psutil.NoSuchProcess:
                continue
        self._memory, self._peak = memory, max(self._peak, memory)
        return memory
