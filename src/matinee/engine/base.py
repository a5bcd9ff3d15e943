"""What an item scores before anything is known of a person, and what lasts of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from matinee.engine.arrays import Doubles, Flags
from matinee.engine.popularity import to_one


class BaseScores(NamedTuple):
    """Of n items, each 0 to 1."""

    earned: Doubles
    """(n,) the share of likes that an item got, as far as it is believed."""

    expected: Doubles
    """(n,) what is expected of its prior, as far as the item's own share is not believed."""

    possible: Doubles
    """(n,) what its prior may come to, as far as the item's own share is not believed."""


def base_scores(
    liking: Doubles, rating_counts: Doubles, prior: Doubles, *, has_prior: Flags, n_users: int, doubt: float
) -> BaseScores:
    """From the likes of n items, and from their prior brought to the scale of the community.

    Expected is what rated items with such a prior got in the mean, and never less than what is expected of a lower one
    (isotonic regression): what voters elsewhere like best this community likes well, and seldom best. That is what an
    item scores beside those that many have rated. Possible is as much as the order of the priors allows: of k items
    that have one, for the r-th highest prior the r-th highest share among those k, for equal ones their mean. That
    keeps apart items of which nothing else is known. `doubt` is how many people it takes to believe either scale half,
    and how many ratings of one item to believe its own share half.
    """
    share = to_one(liking).astype(np.float64)
    known = prior[has_prior]
    _, levels, sizes = np.unique(known, return_inverse=True, return_counts=True)
    in_order = np.bincount(np.sort(levels), weights=np.sort(share[has_prior])) / sizes
    is_rated = has_prior & (rating_counts > 0)
    belief = rating_counts / (rating_counts + doubt)

    def promised(on_their_scale: Doubles) -> Doubles:
        whole = prior.astype(np.float64)
        whole[has_prior] = (n_users * on_their_scale + doubt * known) / (n_users + doubt)
        return np.asarray((1 - belief) * whole)

    return BaseScores(
        earned=belief * share,
        expected=promised(_never_falling(prior[is_rated], share[is_rated], known)),
        possible=promised(in_order[levels]),
    )


def _never_falling(priors: Doubles, shares: Doubles, asked: Doubles) -> Doubles:
    """(k,) what is expected at the priors `asked` (k,) by what is known of (m,) others; nothing where m is 0."""
    if not len(priors):
        return np.zeros(len(asked))
    levels, places, sizes = np.unique(priors, return_inverse=True, return_counts=True)
    means = np.bincount(places, weights=shares) / sizes
    return np.interp(asked, levels, isotonic_regression(means, weights=sizes).x)
