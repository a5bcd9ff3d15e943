"""How long work shows itself: bars where a person watches, nothing or a line a stage where nobody does."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tqdm import tqdm

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""(stage, how much more of it is done, how much it is in all, None where that is not known)."""


@contextlib.contextmanager
def progress_bars(otherwise: Callable[[str], None] = lambda _stage: None) -> Iterator[Progress]:
    """One bar a stage on standard error where a person watches; else `otherwise` is told each stage as it begins."""
    if not sys.stderr.isatty():
        begun: set[str] = set()

        def tell(stage: str, _done: int, _whole: int | None) -> None:
            if stage not in begun:
                begun.add(stage)
                otherwise(stage)

        yield tell
        return
    with contextlib.ExitStack() as stack:
        bars: dict[str, tqdm[Any]] = {}

        def show(stage: str, done: int, whole: int | None) -> None:
            if stage not in bars:
                bars[stage] = stack.enter_context(tqdm(desc=stage, total=whole, unit_scale=True, unit=""))
            bars[stage].update(done)

        yield show
