"""How far a run is, told as it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Tell = Callable[[str], None]


class Progress:
    """Prints each line with the minutes since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self._began) / 60

    def __call__(self, line: str) -> None:
        print(f"{self.minutes:5.1f} min  {line}", file=sys.stderr, flush=True)
