"""What a person did, turned into the two numbers a model reads: how strongly it pulls, and that it was seen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from matinee.engine.arrays import Floats, Ids, as_ids


@dataclass(frozen=True)
class SignalWeights:
    """How much each kind of action says. Two numbers each: what it pulls (above 0) or pushes away (below 0) among
    films like it, and how much it counts as a film watched without liking it, of which the model knows what it says.
    """

    pull_of_stars: tuple[float, float, float, float, float] = (-0.5, -0.25, 0.0, 1.0, 1.0)
    """Of a rating of 1, 2, 3, 4 and 5 stars."""

    seen_of_stars: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 0.0, 0.0)
    """Of a rating of 1, 2, 3, 4 and 5 stars, as watched without liking it."""

    pull_of_favorite: float = 1.0
    """Of a favourite; a favourite that is rated too pulls as strongly as the stronger of both."""

    pull_of_watchlist: float = 0.3
    """Of a watchlist entry: wanted, not yet seen."""

    pull_of_dismissal: float = -0.3
    """Of 'not interested'."""

    def of_rating(self, stars: float) -> tuple[float, float]:
        """(pull, seen) of a rating of 0.5 to 5; a half star counts as the whole star below, and 0.5 as 1."""
        place = min(max(math.floor(stars), 1), 5) - 1
        return self.pull_of_stars[place], self.seen_of_stars[place]


@dataclass(frozen=True)
class History:
    """What one person's actions say of h items; all that a model knows of them."""

    item_ids: Ids
    """(h,) sorted, each once."""

    pulls: Floats
    """(h,) above 0 towards films like it, below 0 away from them."""

    seen: Floats
    """(h,) 0 and up: watched without liking it."""

    def __post_init__(self) -> None:
        if not self.item_ids.shape == self.pulls.shape == self.seen.shape:
            raise ValueError("The columns of the history differ in length.")
        if not (np.all(np.isfinite(self.pulls)) and np.all(np.isfinite(self.seen))):
            raise ValueError("A signal is not a number.")

    @property
    def size(self) -> int:
        return len(self.item_ids)

    @classmethod
    def liking(cls, item_ids: Iterable[int]) -> History:
        """Of someone who likes these items: seeds, or one film whose likes are sought."""
        ids = np.unique(as_ids(list(item_ids)))
        return cls(item_ids=ids, pulls=np.ones(len(ids), np.float32), seen=np.zeros(len(ids), np.float32))

    @classmethod
    def of_actions(
        cls,
        *,
        ratings: Iterable[tuple[int, float]] = (),
        favorites: Iterable[int] = (),
        watchlist: Iterable[int] = (),
        dismissals: Iterable[int] = (),
        weights: SignalWeights | None = None,
    ) -> History:
        """From the four kinds of action; `ratings` are (item id, stars).

        Of several actions on one item the most deliberate speaks: a rating or a favourite (of both, the stronger
        pull), else a dismissal, else the watchlist.
        """
        weights = weights or SignalWeights()
        signals = dict.fromkeys(watchlist, (weights.pull_of_watchlist, 0.0))
        signals.update(dict.fromkeys(dismissals, (weights.pull_of_dismissal, 0.0)))
        rated = {item: weights.of_rating(stars) for item, stars in ratings}
        signals.update(rated)
        for item in favorites:
            signals[item] = (max(weights.pull_of_favorite, rated.get(item, (0.0, 0.0))[0]), 0.0)
        ids = sorted(signals)
        return cls(
            item_ids=as_ids(ids),
            pulls=np.array([signals[item][0] for item in ids], dtype=np.float32),
            seen=np.array([signals[item][1] for item in ids], dtype=np.float32),
        )
