"""What a person did, turned into the one number an item that a model reads: how strongly it pulls, or pushes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from matinee.engine.arrays import Doubles, Floats, Ids, as_ids, last_of_each


@dataclass(frozen=True)
class SignalWeights:
    """How much each kind of action pulls films like it (above 0), or pushes them away (below 0)."""

    of_stars: tuple[float, float, float, float, float] = (-0.1, -0.02, 0.4, 0.85, 1.0)
    """Of a rating of 1, 2, 3, 4 and 5 stars; half stars lie between their neighbours. 3 says seen: people watch what
    is to their taste even where it falls short, so that it pulls a little, and clearly less than a like."""

    of_favorite: float = 1.1
    """Of a favourite, whatever its rating."""

    of_watchlist: float = 0.3
    """Of a watchlist entry: wanted, not yet seen."""

    of_dismissal: float = -0.2
    """Of 'not interested'."""

    def of_ratings(self, stars: Sequence[float]) -> Doubles:
        """Of ratings of 0.5 to 5; 0.5 counts as 1."""
        signals: Doubles = np.interp(stars, (1, 2, 3, 4, 5), self.of_stars)
        return signals


@dataclass(frozen=True)
class History:
    """What one person's actions say of h items; all that a model knows of them."""

    item_ids: Ids
    """(h,) sorted, each once."""

    signals: Floats
    """(h,) above 0 towards films like it, below 0 away from them."""

    def __post_init__(self) -> None:
        if self.item_ids.shape != self.signals.shape:
            raise ValueError("The columns of the history differ in length.")
        if not np.isfinite(self.signals).all():
            raise ValueError("A signal is not a number.")

    @property
    def size(self) -> int:
        return len(self.item_ids)

    @classmethod
    def liking(cls, item_ids: Iterable[int]) -> History:
        """Of someone who likes these items: seeds, or one film whose likes are sought."""
        ids = np.unique(as_ids(list(item_ids)))
        return cls(item_ids=ids, signals=np.ones(len(ids), dtype=np.float32))

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

        Of several actions on one item the most deliberate speaks: a favourite, else a rating, else a dismissal, else
        the watchlist.
        """
        weights = weights or SignalWeights()
        rated = list(ratings)
        kinds = (  # whichever speaks stands behind those that it speaks before
            (list(watchlist), weights.of_watchlist),
            (list(dismissals), weights.of_dismissal),
            ([item for item, _ in rated], weights.of_ratings([stars for _, stars in rated])),
            (list(favorites), weights.of_favorite),
        )
        item_ids = as_ids(list(itertools.chain.from_iterable(items for items, _ in kinds)))
        signals = np.concatenate([np.full(len(items), signal, dtype=np.float32) for items, signal in kinds])
        speaking = last_of_each(item_ids)
        return cls(item_ids=item_ids[speaking], signals=signals[speaking])
