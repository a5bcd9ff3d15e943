"""What a fit reads of ratings: sums over people, from arrays here or from wherever more of them lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.ease import EaseConfig
from matinee.engine.grading import Timeline, graded, opinions, recent_liking, runs
from matinee.engine.interactions import FEWEST_STARS, Interactions
from matinee.engine.pairs import PairSums, RowPairs, squares_of


class RatingStatistics(Protocol):
    """Sums over all ratings by users of n items."""

    @property
    def item_ids(self) -> Ids:
        """(n,) sorted; every one has a rating."""

    @property
    def n_users(self) -> int: ...

    @property
    def size(self) -> int:
        """How many ratings there are."""

    def counts(self) -> Doubles:
        """(n,) ratings."""

    def squares(self, config: EaseConfig) -> Doubles:
        """(n,) the sum of the squared values of each item's ratings."""

    def recent_liking(self, config: EaseConfig, half_life: float) -> Doubles:
        """(n,) what the ratings of each item are worth together, newer ones more: `grading.recent_liking`."""

    def pairs(self, item_ids: Ids, config: EaseConfig) -> PairSums:
        """Of people, their runs and their opinions, over `item_ids`: sorted, and at least all that have ratings."""

    def stars(self) -> Doubles:
        """(n,) the sum of the stars that each item got."""

    def generosity(self, expected: Doubles, doubt: float) -> Doubles:
        """(n,) the sum, over those who rated an item, of how many stars more than `expected` (n,) they usually give.

        A person is believed half where they gave `doubt` ratings.
        """


@dataclass(frozen=True)
class OfInteractions:
    """Of ratings that are in memory: all that there are, or those of some people."""

    interactions: Interactions
    timeline: Timeline | None
    """Of everybody's ratings."""

    @classmethod
    def of_all(cls, interactions: Interactions) -> OfInteractions:
        return cls(interactions, Timeline.of(interactions))

    @property
    def item_ids(self) -> Ids:
        return self.interactions.item_ids

    @property
    def n_users(self) -> int:
        return self.interactions.n_users

    @property
    def size(self) -> int:
        return self.interactions.size

    def counts(self) -> Doubles:
        return self._by_item(None)

    def squares(self, config: EaseConfig) -> Doubles:
        return squares_of(graded(self.interactions, config))

    def recent_liking(self, config: EaseConfig, half_life: float) -> Doubles:
        return recent_liking(self.interactions, config, half_life, self.timeline)

    def pairs(self, item_ids: Ids, config: EaseConfig) -> RowPairs:
        parts = (part(self.interactions, config) for part in (graded, runs, opinions))
        rows = sparse.vstack(list(parts), format="csr")
        places = rows_of(item_ids, self.item_ids)
        return RowPairs(
            sparse.csr_matrix((rows.data, places[rows.indices], rows.indptr), shape=(rows.shape[0], len(item_ids)))
        )

    def stars(self) -> Doubles:
        return self._by_item(self._stars())

    def generosity(self, expected: Doubles, doubt: float) -> Doubles:
        surprises = self._stars() - expected[self.interactions.item_rows]
        users = self.interactions.user_rows
        generosity = np.bincount(users, surprises) / (np.bincount(users) + doubt)
        return self._by_item(generosity[users])

    def _stars(self) -> Doubles:
        return np.maximum(self.interactions.ratings, FEWEST_STARS, dtype=np.float64)

    def _by_item(self, weights: Doubles | None) -> Doubles:
        sums = np.bincount(self.interactions.item_rows, weights, minlength=self.interactions.n_items)
        return sums.astype(np.float64, copy=False)
