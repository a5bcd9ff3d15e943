"""How good a bet an item is for someone of whom nothing is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from matinee.engine.arrays import Doubles, Flags, Floats

USUAL_AVERAGE = 6.5
"""What a film with few votes is taken to deserve, of 10."""

DOUBT = 150.0
"""How many votes it takes to believe a film's own average as much as the usual one."""


def acclaim(vote_counts: ArrayLike, vote_averages: ArrayLike) -> Floats:
    """(n,) from 0 to 1: how known and how well thought of, from TMDb's votes; NaN stands for unknown.

    log(1 + votes) times the average out of 10, where few votes leave it near the usual average.
    """
    counts = np.nan_to_num(np.asarray(vote_counts, dtype=np.float64))
    averages = np.nan_to_num(np.asarray(vote_averages, dtype=np.float64), nan=USUAL_AVERAGE)
    if counts.shape != averages.shape:
        raise ValueError("There are more vote counts than averages, or fewer.")
    believed = (counts * averages + DOUBT * USUAL_AVERAGE) / (counts + DOUBT)
    return _to_one(np.log1p(counts) * (believed / 10) ** 2)


def base_scores(
    liking: Doubles, rating_counts: Doubles, prior: Doubles, *, has_prior: Flags, n_users: int, doubt: float
) -> tuple[Doubles, Doubles]:
    """(n,) the share of likes that an item got, as far as it is believed, and (n,) what its prior promises as far as
    it is not: together 0 to 1.

    The prior is first brought to the community's scale: of k items that have one, the r-th highest prior is promised
    the r-th highest share among those k, equal priors their mean. `doubt` is how many people it takes to believe that
    scale half, and how many ratings of one item to believe its own share half.
    """
    share = _to_one(liking).astype(np.float64)
    promised = prior.copy()
    _, levels = np.unique(prior[has_prior], return_inverse=True)
    order = np.argsort(levels, kind="stable")
    sums = np.bincount(levels[order], weights=np.sort(share[has_prior]))
    on_their_scale = (sums / np.bincount(levels))[levels]
    promised[has_prior] = (n_users * on_their_scale + doubt * prior[has_prior]) / (n_users + doubt)
    belief = rating_counts / (rating_counts + doubt)
    return belief * share, (1 - belief) * promised


def _to_one(values: Doubles) -> Floats:
    highest = values.max(initial=0.0)
    return (values / highest if highest > 0 else values).astype(np.float32)
