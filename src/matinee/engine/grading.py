"""From ratings to the numbers that are learnt from: what each is worth, what it was given beside, how new it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from matinee.engine.arrays import Doubles, Ids, Rows
from matinee.engine.ease import EaseConfig
from matinee.engine.interactions import Interactions


def graded(interactions: Interactions, config: EaseConfig) -> sparse.csr_matrix:
    """(users, items) of what each rating is worth."""
    shape = (interactions.n_users, interactions.n_items)
    cells = (interactions.user_rows, interactions.item_rows)
    return sparse.csr_matrix((_worth(interactions, config), cells), shape=shape)


def opinions(interactions: Interactions, config: EaseConfig) -> sparse.csr_matrix:
    """(users, items): by how many stars each rating is above the usual ones, or below.

    Each person's opinions are a row beside their graded ratings: that both films were seen links them, that one was
    liked and the other was not takes some of it back.
    """
    shape = (interactions.n_users, interactions.n_items)
    cells = (interactions.user_rows, interactions.item_rows)
    surprises = _without_generosity(interactions, config) - config.usual_stars
    return sparse.csr_matrix((np.sqrt(config.opinion_weight) * surprises, cells), shape=shape)


def runs(interactions: Interactions, config: EaseConfig) -> sparse.csr_matrix:
    """(runs, items): each person's ratings in the order that they gave them, cut into runs of `run_length`.

    Cut twice, half a run apart, so that two ratings stand in the more of the same runs the closer together they were
    given. Each run is a row as a person is; together they weigh `run_weight` times what people do. More ratings of
    one moment than make a run came from a list, whose order tells nothing: those are in none. None without timestamps.
    """
    times = interactions.timestamps
    if times is None or config.run_weight == 0 or not interactions.size:
        return sparse.csr_matrix((0, interactions.n_items), dtype=np.float64)
    order = np.lexsort((interactions.item_rows, times, interactions.user_rows))
    order = order[_moment_sizes(interactions.user_rows[order], times[order]) <= config.run_length]
    users, items = interactions.user_rows[order], interactions.item_rows[order]
    worth = np.sqrt(config.run_weight / 2) * _worth(interactions, config)[order]
    is_first = np.diff(users, prepend=-1) != 0
    all_places = np.arange(len(order))
    places = all_places - np.maximum.accumulate(np.where(is_first, all_places, 0))
    cuts = []
    for shift in (0, config.run_length // 2):
        starts = np.flatnonzero(is_first | ((places + shift) % config.run_length == 0))
        ends = np.append(starts, len(order))
        cuts.append(sparse.csr_matrix((worth, items, ends), shape=(len(starts), interactions.n_items)))
    return sparse.csr_matrix(sparse.vstack(cuts, format="csr"))


def _moment_sizes(users: Rows, times: Ids) -> Ids:
    """(r,) how many ratings their user gave at the same moment, of ratings in the order of user and time."""
    is_first = (np.diff(users, prepend=-1) != 0) | (np.diff(times, prepend=0) != 0)
    moments = np.cumsum(is_first) - 1
    sizes: Ids = np.bincount(moments)[moments]
    return sizes


@dataclass(frozen=True)
class Timeline:
    """Which share of all ratings had been given at which moment."""

    moments: Ids
    """(k,) ascending, seconds since 1970."""

    shares: Doubles
    """(k,) 0 to 1; between two moments it grows evenly."""

    @classmethod
    def of(cls, interactions: Interactions) -> Timeline | None:
        """None where nobody kept the time."""
        if interactions.timestamps is None or not interactions.size:
            return None
        moments, counts = np.unique(interactions.timestamps, return_counts=True)
        return cls(moments, np.cumsum(counts) / interactions.size)


def recent_liking(
    interactions: Interactions, config: EaseConfig, half_life: float, timeline: Timeline | None
) -> Doubles:
    """(n_items,) what the ratings of each item are worth together, newer ones more where there is a timeline.

    With each `half_life` of all ratings (0 to 1) that came after it a rating counts half. Counted in ratings and not
    in days, so that a community that grows slowly, or was asked long ago, does not fade as a whole.
    """
    worth = _worth(interactions, config)
    if timeline is not None and interactions.timestamps is not None:
        older = np.interp(interactions.timestamps, timeline.moments, timeline.shares)
        worth *= 0.5 ** ((1 - older) / half_life)
    liking = np.bincount(interactions.item_rows, weights=worth, minlength=interactions.n_items)
    return liking.astype(np.float64, copy=False)


def _worth(interactions: Interactions, config: EaseConfig) -> Doubles:
    worth: Doubles = np.interp(_without_generosity(interactions, config), (1, 2, 3, 4, 5), config.values_of_stars)
    return worth


def _without_generosity(interactions: Interactions, config: EaseConfig) -> Doubles:
    """(r,) the stars of each rating, less what its person usually gives more."""
    users = interactions.user_rows
    ratings = interactions.ratings.astype(np.float64)
    sums = np.bincount(users, weights=ratings - config.usual_stars)
    stars: Doubles = ratings - (sums / (np.bincount(users) + config.generosity_doubt))[users]
    return stars
