"""Random search: the same number of trials for every system, the first of them its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Parameters = Mapping[str, Any]


class Drawable(Protocol):
    """What a parameter can be."""

    def draw(self, random: np.random.Generator, /) -> Any: ...


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def draw(self, random: np.random.Generator) -> Any:
        return self.values[random.integers(len(self.values))]


@dataclass(frozen=True)
class Range:
    """Anything from `low` to `high`: evenly, or evenly in its logarithm where `low` is above 0."""

    low: float
    high: float
    is_whole: bool = False

    def draw(self, random: np.random.Generator) -> float | int:
        if self.low > 0:
            drawn = float(np.exp(random.uniform(np.log(self.low), np.log(self.high))))
        else:
            drawn = float(random.uniform(self.low, self.high))
        return round(drawn) if self.is_whole else float(f"{drawn:.4g}")


Space = Mapping[str, Drawable]


@dataclass(frozen=True)
class Tuned:
    """The best of a search."""

    parameters: Parameters
    figure: float
    """NDCG@100 on the tuning people."""
    trials: int


def draws(space: Space, defaults: Parameters, trials: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """The parameters of each trial: the defaults, then as drawn. What has nothing to tune is tried once."""
    random = np.random.default_rng(seed)
    more = trials - 1 if space else 0
    return [dict(defaults)] + [
        {**defaults, **{name: each.draw(random) for name, each in space.items()}} for _ in range(more)
    ]


def best(tried: Sequence[Parameters], figures: Iterator[float]) -> Tuned:
    """The first of those with the highest figure."""
    reached = list(figures)
    place = int(np.argmax(reached))
    return Tuned(tried[place], reached[place], len(tried))
