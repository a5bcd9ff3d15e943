"""What a person does with films: one function a write.

Most are one statement, which is a transaction of its own; the constraints of the tables decide what is new, so that
nothing is read before it is written, and two at once need no lock of ours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection

from matinee.accounts.models import User
from matinee.catalog.filters import LARGEST_ID
from matinee.core import instants
from matinee.core.refusals import NotFound
from matinee.library.models import Entry, MovieRating
from matinee.library.queries import RATING_COLUMNS, TABLES, Rating

ADD = """
INSERT INTO {table} (user_id, movie_id, created_at) VALUES (%s, %s, %s)
ON CONFLICT (user_id, movie_id) DO NOTHING RETURNING created_at
"""
ADDED_AT = "SELECT created_at FROM {table} WHERE user_id = %s AND movie_id = %s"
REMOVE = "DELETE FROM {table} WHERE user_id = %s AND movie_id = (SELECT id FROM catalog_movie WHERE tmdb_id = %s)"
FIRST_RATING = """
INSERT INTO library_movierating
  (user_id, movie_id, rating, review, review_private, review_hidden, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (user_id, movie_id) DO NOTHING RETURNING {columns}
"""
NEXT_RATING = """
UPDATE library_movierating SET rating = %s, review = COALESCE(%s, review),
  review_private = COALESCE(%s, review_private), updated_at = %s
WHERE user_id = %s AND movie_id = %s RETURNING {columns}
"""
CHANGE = """
UPDATE library_movierating SET rating = COALESCE(%s, rating), review = COALESCE(%s, review),
  review_private = COALESCE(%s, review_private),
  updated_at = CASE WHEN rating = COALESCE(%s, rating) AND review = COALESCE(%s, review)
    AND review_private = COALESCE(%s, review_private) THEN updated_at ELSE %s END
WHERE user_id = %s AND movie_id = %s RETURNING {columns}
"""


class NotRated(NotFound):
    code = "not_rated"


def add(kind: type[Entry], *, user: User, movie_pk: int, now: dt.datetime) -> tuple[dt.datetime, bool]:
    """Put a film on one of the person's lists; returns since when it is there and whether it is new. Once is enough.

    One statement, two where it was there.
    """
    table = TABLES[kind]
    if _returned(ADD.format(table=table), [user.pk, movie_pk, instants.stored(now)]):
        return now, True
    there = _returned(ADDED_AT.format(table=table), [user.pk, movie_pk])
    return (instants.read(there[0]) if there else now), False  # else somebody took it off at this very moment


def remove(kind: type[Entry | MovieRating], *, user: User, tmdb_id: int) -> None:
    """Take a film off one of the person's lists, whether it is there, or known at all, or not. One statement."""
    if tmdb_id <= LARGEST_ID:
        with connection.cursor() as cursor:
            cursor.execute(REMOVE.format(table=TABLES[kind]), [user.pk, tmdb_id])


def rate_movie(
    *, user: User, movie_pk: int, stars: int, review: str | None, private: bool | None, now: dt.datetime
) -> tuple[Rating, bool]:
    """Record what `user` thinks of a film; returns the rating and whether it is new.

    Rating it again replaces the stars; a review or its privacy that is not given (None) stays as it was. One
    statement, two where there was a rating.
    """
    at = instants.stored(now)
    whose = [user.pk, movie_pk]
    first = [*whose, stars, review or "", bool(private), False, at, at]
    while True:
        row = _returned(FIRST_RATING.format(columns=RATING_COLUMNS), first)
        if row is not None:
            return Rating.of_row(row), True
        row = _returned(NEXT_RATING.format(columns=RATING_COLUMNS), [stars, review, private, at, *whose])
        if row is not None:
            return Rating.of_row(row), False
        # it was there and is gone: withdrawn between the two statements


def change_rating(
    *, user: User, movie_pk: int, stars: int | None, review: str | None, private: bool | None, now: dt.datetime
) -> Rating:
    """Change a rating that is there; what is not given (None) stays. One statement. Raises NotRated."""
    given = [stars, review, private]
    row = _returned(CHANGE.format(columns=RATING_COLUMNS), [*given, *given, instants.stored(now), user.pk, movie_pk])
    if row is None:
        raise NotRated("You have not rated this film.")
    return Rating.of_row(row)


def _returned(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """The one row that a statement gives, or none. All is fetched: on SQLite a write has ended only then."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    return tuple(rows[0]) if rows else None
