"""What one person's films say of them together, counted anew whenever it is asked."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from matinee.accounts.models import User
from matinee.library.models import MovieRating

LIKED_FROM_STARS = 4


@dataclass(frozen=True)
class Statistics:
    favorites: int
    watchlist: int
    dismissed: int
    reviews: int
    ratings: int
    average: float | None
    distribution: dict[int, int]
    """How many films got 1, 2, 3, 4 and 5 stars."""
    genres: list[tuple[int, int]]
    """(TMDb's genre id, films), the most films first; of the films that were favourited or got 4 or 5 stars."""
    decades: list[tuple[int, int]]
    """(first year, films), of the same films in the same order; a film without a day has no decade."""


def statistics_of(user: User) -> Statistics:
    favorites = list(user.favorites.values_list("movie_id", "movie__genre_ids", "movie__release_date"))
    mine = MovieRating.objects.filter(user=user)
    ratings = list(mine.values_list("rating", "movie_id", "movie__genre_ids", "movie__release_date"))
    liked: dict[int, tuple[list[int], dt.date | None]] = {pk: (genres, day) for pk, genres, day in favorites}
    liked |= {pk: (genres, day) for stars, pk, genres, day in ratings if stars >= LIKED_FROM_STARS}
    stars_given = Counter(stars for stars, *_ in ratings)
    return Statistics(
        favorites=len(favorites),
        watchlist=user.watchlist.count(),
        dismissed=user.dismissals.count(),
        reviews=mine.exclude(review="").count(),
        ratings=len(ratings),
        average=round(sum(stars for stars, *_ in ratings) / len(ratings), 2) if ratings else None,
        distribution={stars: stars_given[stars] for stars in range(1, 6)},
        genres=_commonest(genre for genres, _ in liked.values() for genre in genres),
        decades=_commonest(day.year // 10 * 10 for _, day in liked.values() if day is not None),
    )


def _commonest(values: Iterable[int]) -> list[tuple[int, int]]:
    return sorted(Counter(values).items(), key=lambda counted: (-counted[1], counted[0]))
