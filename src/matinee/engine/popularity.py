"""How good a bet an item is for someone of whom nothing is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from matinee.engine.arrays import Doubles, Floats

USUAL_AVERAGE = 6.5
"""What a film with few votes is taken to deserve, of 10."""

DOUBT = 150.0
"""How many votes it takes to believe a film's own average as much as the usual one."""


def acclaim(vote_counts: ArrayLike, vote_averages: ArrayLike) -> Floats:
    """(n,) from 0 to 1: how known and how well thought of, from TMDb's votes; NaN stands for unknown.

    log(1 + votes) times the square of the average out of 10, where few votes leave the average near the usual one.
    """
    counts = np.nan_to_num(np.asarray(vote_counts, dtype=np.float64))
    averages = np.nan_to_num(np.asarray(vote_averages, dtype=np.float64), nan=USUAL_AVERAGE)
    if counts.shape != averages.shape:
        raise ValueError("There are more vote counts than averages, or fewer.")
    believed = (counts * averages + DOUBT * USUAL_AVERAGE) / (counts + DOUBT)
    return to_one(np.log1p(counts) * (believed / 10) ** 2)


def to_one(values: Doubles) -> Floats:
    """In parts of the highest."""
    highest = values.max(initial=0.0)
    return (values / highest if highest > 0 else values).astype(np.float32)
