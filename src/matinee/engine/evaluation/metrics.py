"""Accuracy of ranked lists, one figure a person, and how sure a mean of them is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matinee.engine.arrays import Doubles
from matinee.engine.evaluation.cases import Case, Rankings

RESAMPLES = 2_000
SEED = 0
"""The same figures have the same interval each time."""


@dataclass(frozen=True)
class Estimate:
    """A mean over people and the interval that holds 95 of 100 bootstrap means."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Doubles) -> Estimate:
        """By drawing the people anew 2,000 times."""
        if len(values) == 0:
            return cls(float("nan"), float("nan"), float("nan"))
        random = np.random.default_rng(SEED)
        means = np.array([values[random.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)])
        low, high = np.quantile(means, [0.025, 0.975])
        return cls(mean=float(values.mean()), low=float(low), high=float(high))


@dataclass(frozen=True)
class Lead:
    """How far one system is ahead of another on the same people, relative to the other's mean: 0.02 is 2% better."""

    relative: float
    low: float
    high: float

    @classmethod
    def of(cls, ours: Doubles, theirs: Doubles) -> Lead:
        """By drawing the people anew 2,000 times, for both systems the same ones."""
        random = np.random.default_rng(SEED)
        draws = (random.integers(0, len(ours), len(ours)) for _ in range(RESAMPLES))
        leads = [ours[draw].mean() / max(theirs[draw].mean(), 1e-12) - 1 for draw in draws]
        low, high = np.quantile(leads, [0.025, 0.975])
        return cls(float(ours.mean() / max(theirs.mean(), 1e-12) - 1), float(low), float(high))


def ndcg(hits: Doubles, n_relevant: int, k: int) -> float:
    """Of one list: `hits` (DEPTH,) is 1 where a relevant item stands. The ideal list has min(k, n_relevant) hits."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    return float((hits[:k] * discounts[: len(hits[:k])]).sum() / discounts[: min(k, n_relevant)].sum())


def recall(hits: Doubles, n_relevant: int, k: int) -> float:
    """Of one list, over the most it could have: min(k, n_relevant), as Liang 2018 does."""
    return float(hits[:k].sum() / min(k, n_relevant))


METRICS = ("NDCG@10", "NDCG@100", "Recall@20", "Recall@50")


def accuracy(rankings: Rankings, cases: Sequence[Case]) -> Mapping[str, Doubles]:
    """Metric → (cases,) one figure a person."""
    figures = np.zeros((len(METRICS), len(cases)))
    for place, (ranked, case) in enumerate(zip(rankings.lists, cases, strict=True)):
        hits = np.isin(ranked, case.relevant).astype(np.float64)
        n_relevant = len(case.relevant)
        figures[:, place] = (
            ndcg(hits, n_relevant, 10),
            ndcg(hits, n_relevant, 100),
            recall(hits, n_relevant, 20),
            recall(hits, n_relevant, 50),
        )
    return dict(zip(METRICS, figures, strict=True))
