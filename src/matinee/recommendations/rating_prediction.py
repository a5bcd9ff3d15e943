"""How many stars a person would give a film: from what they have rated and favourited at this moment."""

from __future__ import annotations

import numpy as np

from matinee.accounts.models import User
from matinee.engine.arrays import Doubles, Rows
from matinee.engine.rating_prediction import Opinions, RatingConfig, predicted_ratings
from matinee.engine.signals import History
from matinee.recommendations.history import PersonalHistory, read_history
from matinee.recommendations.pool import Pool, current_pool

DIGITS = 2


def predict_rating(*, user: User, tmdb_id: int) -> float | None:
    """The stars that `user` would give a film, 1 to 5, had they not rated it; None where nothing tells. One query."""
    pool = current_pool()
    opinions = opinions_of(read_history(user)).without(tmdb_id)
    rows = pool.columns.rows_of([tmdb_id])
    if rows[0] < 0:
        return None
    return predicted(pool, opinions, links_from(pool, opinions, rows), rows)[0]


def opinions_of(history: PersonalHistory) -> Opinions:
    """Watchlist entries and dismissals are no opinion of a film that was seen."""
    return Opinions.of_actions(ratings=history.ratings, favorites=history.favorites)


def links_from(pool: Pool, opinions: Opinions, rows: Rows) -> Doubles:
    """(h, k): the pool's links from the films of the opinions to each of `rows` (k,) of the catalogue."""
    return pool.links(pool.reach(History.liking(opinions.item_ids)), rows)


def predicted(pool: Pool, opinions: Opinions, links: Doubles, rows: Rows) -> list[float | None]:
    """(k,) the stars for each of `rows` (k,) of the catalogue, by the `links_from` the opinions to them.

    None where there is nothing to go on: a film without votes and ratings, for someone without opinions.
    """
    config = RatingConfig()
    given = pool.columns.rows_of(opinions.item_ids)
    of_opinions = np.full(opinions.size, config.usual_stars)
    of_opinions[given >= 0] = pool.expected_stars[given[given >= 0]]
    stars = predicted_ratings(opinions, of_opinions, links, pool.expected_stars[rows], config)
    return [
        round(each, DIGITS) if opinions.size or pool.is_judged(row) else None
        for each, row in zip(stars.tolist(), rows.tolist(), strict=True)
    ]
