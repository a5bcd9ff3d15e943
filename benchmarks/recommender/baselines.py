"""What needs no model: popularity by TMDb, or of a film's year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.evaluation.cases import LIKED_FROM, Case, Ranker
from matinee.engine.evaluation.systems import NEVER
from matinee.engine.interactions import Interactions

Film = Mapping[str, Any]
"""As TMDb gives it."""

DOUBT = 5.0
"""How many films of a year it takes to believe its mean as much as that of all years."""


def by_field(films: Sequence[Film], name: str) -> Ranker:
    """By a figure that TMDb has of each film; `films` are sorted by id."""
    return _looked_up(_ids(films), np.array([float(film[name] or 0) for film in films]))


def by_year(films: Sequence[Film], train: Interactions) -> Ranker:
    """Each film by the mean number of likes in training of the known films of its release year.

    A year's mean is held towards that of all years, as if it had five more such films. Films that training does not
    have, the new ones among them, count for no year; one without a date gets the mean of all years.
    """
    likes = np.bincount(train.item_rows[train.ratings >= LIKED_FROM], minlength=train.n_items)
    ids, years = _ids(films), np.array([int((film["release_date"] or "0")[:4]) for film in films])
    rows = rows_of(train.item_ids, ids)
    is_rated = rows >= 0
    everywhere = float(likes[rows[is_rated]].mean()) if is_rated.any() else 0.0
    scores = np.full(len(ids), everywhere)
    for year in np.unique(years[years > 0]):
        of_year = likes[rows[is_rated & (years == year)]]
        scores[years == year] = (of_year.sum() + DOUBT * everywhere) / (len(of_year) + DOUBT)
    return _looked_up(ids, scores)


def _ids(films: Sequence[Film]) -> Ids:
    return np.array([film["id"] for film in films], dtype=np.int64)


def _looked_up(ids: Ids, scores: Doubles) -> Ranker:
    padded = np.append(scores, NEVER)

    def rank(_: Case, candidates: Ids, /) -> Doubles:
        return padded[rows_of(ids, candidates)]

    return rank
