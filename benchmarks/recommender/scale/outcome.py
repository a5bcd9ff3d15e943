"""What the process of one fit leaves behind; imported in the peers' environments too, so that it needs numpy alone."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MODEL = TypeVar("MODEL")
LISTS, FIGURES = "lists.npy", "figures.json"


def timed(fit: Callable[[], MODEL]) -> tuple[MODEL, dict[str, float]]:
    """The model, how long it took by the clock and in CPU time of all threads, and the highest memory of the process
    before and after, its input included."""
    before, began, busy = _peak(), time.perf_counter(), time.process_time()
    model = fit()
    times = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy}
    return model, {**times, "input_bytes": before, "peak_bytes": _peak()}


def leave(folder: Path, lists: NDArray[np.integer], figures: dict[str, float]) -> None:
    """`lists` is (cases, 100) of film ids, the best first, -1 where there are no more."""
    np.save(folder / LISTS, lists)
    (folder / FIGURES).write_text(json.dumps(figures))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
