"""What every system is asked: here is what someone rated, name what they will like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from matinee.engine.arrays import Doubles, Floats, Ids
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions

LIKED_FROM = 4.0
"""A held-out rating from here on is relevant."""


@dataclass(frozen=True)
class Case:
    """One person: the ratings a system sees, and the liked items it does not."""

    item_ids: Ids
    """(h,) sorted; whatever is here is never ranked."""

    ratings: Floats
    """(h,) 0.5 to 5."""

    relevant: Ids
    """(r,) sorted, at least one."""

    left_out: Ids = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Items that are neither shown nor ranked."""


@dataclass(frozen=True)
class Split:
    """Ratings to train on, and cases to answer."""

    train: Interactions
    cases: Sequence[Case]
    candidates: Ids
    """(n,) sorted: what is ranked, for every system the same."""


@dataclass(frozen=True)
class Knowledge:
    """What a system may train on beside ratings: facts about the items of a data set, rated or not."""

    features: ItemFeatures
    popularity_prior: Floats
    """(features.n_items,) as `popularity.acclaim` gives it."""
    promised: Floats | None = None
    """(features.n_items,) as `rating_prediction.promised_stars` gives it; None where nobody knows their votes."""


class Ranker(Protocol):
    """A trained system."""

    def __call__(self, case: Case, candidates: Ids, /) -> Doubles:
        """(n,) the score of each candidate for the person of the case, higher is better."""
        ...


@dataclass(frozen=True)
class Rankings:
    """The best DEPTH candidates of each case, best first."""

    lists: tuple[Ids, ...]

    @classmethod
    def of(cls, ranker: Ranker, split: Split) -> Rankings:
        return cls(tuple(_best(ranker(case, split.candidates), split.candidates, case) for case in split.cases))


DEPTH = 100


def _best(scores: Doubles, candidates: Ids, case: Case) -> Ids:
    """What the case holds already is left out; of equal scores the lower id is first."""
    excluded = np.concatenate([case.item_ids, case.left_out])
    ranked = np.where(np.isin(candidates, excluded, assume_unique=True), -np.inf, scores)
    if np.isnan(ranked).any():
        raise ValueError("A score is not a number.")
    depth = min(DEPTH, int(np.isfinite(ranked).sum()))
    if depth == 0:
        return candidates[:0]
    bar = np.partition(ranked, len(ranked) - depth)[len(ranked) - depth]
    top = np.flatnonzero(ranked >= bar)
    return candidates[top[np.argsort(-ranked[top], kind="stable")[:depth]]]
