"""What a fit reads of ratings may be counted in parts, each of whole people, and elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from matinee.engine.arrays import Doubles, Ids
from matinee.engine.config import EngineConfig
from matinee.engine.ease import EaseConfig
from matinee.engine.fitting import fit
from matinee.engine.grading import Timeline
from matinee.engine.interactions import Interactions
from matinee.engine.pairs import Block, PairSums, Places, RowPairs
from matinee.engine.statistics import OfInteractions, RatingStatistics
from tests.engine import worlds

CONFIG = EngineConfig(head_ratings=20)


@dataclass(frozen=True)
class PairsInTwoParts(PairSums):
    even: RowPairs
    odd: RowPairs

    def squares(self) -> Doubles:
        return self.even.squares() + self.odd.squares()

    def between(self, rows: Places, columns: Places, dtype: np.dtype[np.floating]) -> Block:
        one, other = (part.between(rows, columns, dtype) for part in (self.even, self.odd))
        return lambda block: one(block) + other(block)


@dataclass(frozen=True)
class InTwoParts(RatingStatistics):
    """Even people are counted by one, odd ones by another, and the sums added."""

    whole: Interactions

    @property
    def item_ids(self) -> Ids:
        return self.whole.item_ids

    @property
    def n_users(self) -> int:
        return self.whole.n_users

    @property
    def size(self) -> int:
        return self.whole.size

    def counts(self) -> Doubles:
        return self._added(lambda part: part.counts())

    def squares(self, config: EaseConfig) -> Doubles:
        return self._added(lambda part: part.squares(config))

    def recent_liking(self, config: EaseConfig, half_life: float) -> Doubles:
        return self._added(lambda part: part.recent_liking(config, half_life))

    def stars(self) -> Doubles:
        return self._added(lambda part: part.stars())

    def generosity(self, expected: Doubles, doubt: float) -> Doubles:
        sums = np.zeros(self.whole.n_items)
        for part in self._parts():
            places = np.searchsorted(self.item_ids, part.item_ids)
            sums[places] += part.generosity(expected[places], doubt)
        return sums

    def pairs(self, item_ids: Ids, config: EaseConfig) -> PairsInTwoParts:
        even, odd = self._parts()
        return PairsInTwoParts(even.pairs(item_ids, config), odd.pairs(item_ids, config))

    def _added(self, count: Callable[[OfInteractions], Doubles]) -> Doubles:
        sums = np.zeros(self.whole.n_items)
        for part in self._parts():
            sums[np.searchsorted(self.item_ids, part.item_ids)] += count(part)
        return sums

    def _parts(self) -> list[OfInteractions]:
        timeline = Timeline.of(self.whole)
        return [OfInteractions(self.whole.of(self.whole.user_rows % 2 == odd), timeline) for odd in (0, 1)]


def _dated() -> Interactions:
    """The two circles; people come one after the other and rate a film a day."""
    plain = worlds.ratings()
    days = np.arange(plain.size, dtype=np.int64) * 86_400
    return Interactions(plain.user_rows, plain.item_ids, plain.item_rows, plain.ratings, days)


def test_a_model_of_sums_counted_in_parts_is_the_model_of_the_whole() -> None:
    ratings = _dated()

    whole = fit(ratings, worlds.films(), worlds.equal_prior(), CONFIG)
    in_parts = fit(InTwoParts(ratings), worlds.films(), worlds.equal_prior(), CONFIG)

    assert whole.links.weights.any()
    for name, array in whole.arrays().items():
        np.testing.assert_allclose(in_parts.arrays()[name], array, rtol=1e-5, atol=1e-5, err_msg=name)


def test_pairs_are_told_of_any_rows_and_columns() -> None:
    rows = sparse.csr_matrix(np.random.default_rng(1).integers(0, 3, (12, 7)).astype(np.float64))
    gram, pairs = (rows.T @ rows).toarray(), RowPairs(rows)
    some, others = np.array([5, 0, 3]), np.array([6, 3, 1, 2])
    block_of = pairs.between(some, others, np.dtype(np.float64))

    assert pairs.squares().tolist() == gram.diagonal().tolist()
    for block in (slice(0, 2), slice(2, 3), slice(0, 0)):
        np.testing.assert_allclose(block_of(block), gram[np.ix_(some[block], others)])
