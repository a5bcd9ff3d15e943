"""What a benchmark's arguments may be: argparse says so before anything is set up."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence


def at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise ArgumentTypeError(f"{least:,} is the least")
        return value

    return number


def above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ArgumentTypeError("give a number above 0")
    return value


def word_of(names: Sequence[str]) -> Callable[[str], str]:
    """A word that one of them has, in lower case however it was written."""

    def word(text: str) -> str:
        if not any(text.lower() in name.lower() for name in names):
            raise ArgumentTypeError(f"none is so named; there are: {'; '.join(names)}")
        return text.lower()

    return word
