"""What one person has done with films, read when it is asked for, so that the very next answer knows of it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import connection

from matinee.accounts.models import User

RATING, FAVORITE, WATCHLIST, DISMISSAL, GENRES = range(5)

# Written out, since composing this union by the ORM takes longer than all the rest of an answer.
EVERYTHING_OF_A_PERSON = """
SELECT 0, film.tmdb_id, given.rating, '' FROM library_movierating given
  JOIN catalog_movie film ON film.id = given.movie_id WHERE given.user_id = %s
UNION ALL
SELECT 1, film.tmdb_id, 0, '' FROM library_favorite given
  JOIN catalog_movie film ON film.id = given.movie_id WHERE given.user_id = %s
UNION ALL
SELECT 2, film.tmdb_id, 0, '' FROM library_watchlist given
  JOIN catalog_movie film ON film.id = given.movie_id WHERE given.user_id = %s
UNION ALL
SELECT 3, film.tmdb_id, 0, '' FROM library_dismissal given
  JOIN catalog_movie film ON film.id = given.movie_id WHERE given.user_id = %s
UNION ALL
SELECT 4, 0, 0, CAST(told.favorite_genres AS text) FROM accounts_userprofile told WHERE told.user_id = %s
"""


@dataclass(frozen=True)
class PersonalHistory:
    """Films under their TMDb ids, each tuple in the order of those ids."""

    ratings: tuple[tuple[int, int], ...] = ()
    """(film, stars 1 to 5)."""
    favorites: tuple[int, ...] = ()
    watchlist: tuple[int, ...] = ()
    dismissals: tuple[int, ...] = ()
    favorite_genres: tuple[int, ...] = ()
    """TMDb genre ids from the profile, in the order that the person gave them."""

    def settled(self) -> set[int]:
        """The films that this person has judged, one way or another: they are never recommended again."""
        return {film for film, _ in self.ratings} | {*self.favorites} | {*self.dismissals}


def read_history(user: User) -> PersonalHistory:
    """All that `user` has given us to go on, in one query."""
    films: dict[int, list[tuple[int, int]]] = {kind: [] for kind in (RATING, FAVORITE, WATCHLIST, DISMISSAL)}
    genres: tuple[int, ...] = ()
    with connection.cursor() as cursor:
        cursor.execute(EVERYTHING_OF_A_PERSON, [user.pk] * 5)
        for kind, tmdb_id, stars, text in cursor:
            if kind == GENRES:
                genres = tuple(json.loads(text))
            else:
                films[kind].append((tmdb_id, stars))
    return PersonalHistory(
        ratings=tuple(sorted(films[RATING])),
        favorites=_ids(films[FAVORITE]),
        watchlist=_ids(films[WATCHLIST]),
        dismissals=_ids(films[DISMISSAL]),
        favorite_genres=genres,
    )


def _ids(films: list[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(sorted(film for film, _ in films))
