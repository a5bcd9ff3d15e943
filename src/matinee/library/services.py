"""What a person does with films: one function a write.

Each is one statement or two and the event that tells of it, in one transaction; the constraints of the tables decide
what is new, so that nothing is read before it is written, and two at once need no lock of ours. What changes nothing
is no event.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from matinee.accounts.models import User
from matinee.audit.actions import Action
from matinee.audit.trail import record
from matinee.catalog.filters import LARGEST_ID
from matinee.core import instants
from matinee.core.refusals import NotFound, PreconditionFailed
from matinee.core.statements import fetched
from matinee.library.models import Dismissal, Entry, Favorite, MovieRating, Watchlist
from matinee.library.queries import NO_RATING, RATING_COLUMNS, TABLES, Rating, version_of

ADDED: Mapping[type[Entry], Action] = {
    Favorite: Action.FAVORITE_ADDED,
    Watchlist: Action.WATCHLIST_ADDED,
    Dismissal: Action.MOVIE_DISMISSED,
}
REMOVED: Mapping[type[Entry | MovieRating], Action] = {
    Favorite: Action.FAVORITE_REMOVED,
    Watchlist: Action.WATCHLIST_REMOVED,
    Dismissal: Action.DISMISSAL_UNDONE,
    MovieRating: Action.RATING_WITHDRAWN,
}

FILM = "(SELECT tmdb_id FROM catalog_movie WHERE id = movie_id)"
ADD = """
INSERT INTO {table} (user_id, movie_id, created_at) VALUES (%s, %s, %s)
ON CONFLICT (user_id, movie_id) DO NOTHING RETURNING {film}
"""
ADDED_AT = "SELECT created_at FROM {table} WHERE user_id = %s AND movie_id = %s"
REMOVE = """
DELETE FROM {table} WHERE user_id = %s AND movie_id = (SELECT id FROM catalog_movie WHERE tmdb_id = %s) RETURNING id
"""
FIRST_RATING = """
INSERT INTO library_movierating
  (user_id, movie_id, rating, review, review_private, review_hidden, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (user_id, movie_id) DO NOTHING RETURNING {film}, {columns}
"""
NEXT_RATING = """
UPDATE library_movierating SET rating = %s, review = COALESCE(%s, review),
  review_private = COALESCE(%s, review_private), updated_at = %s
WHERE user_id = %s AND movie_id = %s RETURNING {film}, {columns}
"""
CHANGE = """
UPDATE library_movierating SET rating = COALESCE(%s, rating), review = COALESCE(%s, review),
  review_private = COALESCE(%s, review_private),
  updated_at = CASE WHEN rating = COALESCE(%s, rating) AND review = COALESCE(%s, review)
    AND review_private = COALESCE(%s, review_private) THEN updated_at ELSE %s END
WHERE user_id = %s AND movie_id = %s RETURNING {film}, {columns}
"""


class NotRated(NotFound):
    code = "not_rated"


class RatingChanged(PreconditionFailed):
    """The rating is no longer the one that the client read."""


@transaction.atomic
def add(kind: type[Entry], *, user: User, movie_pk: int, now: dt.datetime) -> tuple[dt.datetime, bool]:
    """Put a film on one of the person's lists; returns since when it is there and whether it is new. Once is enough."""
    table = TABLES[kind]
    new = _returned(ADD.format(table=table, film=FILM), [user.pk, movie_pk, instants.stored(now)])
    if new is not None:
        _record(ADDED[kind], user, new[0], now)
        return now, True
    there = _returned(ADDED_AT.format(table=table), [user.pk, movie_pk])
    return (instants.read(there[0]) if there else now), False  # else somebody took it off at this very moment


@transaction.atomic
def remove(
    kind: type[Entry | MovieRating],
    *,
    user: User,
    tmdb_id: int,
    now: dt.datetime,
    if_version: Collection[str] | None = None,
) -> None:
    """Take a film off one of the person's lists, whether it is there, or known at all, or not.

    `if_version`: of a rating, the versions that may go. Raises RatingChanged.
    """
    if tmdb_id > LARGEST_ID:
        return
    if if_version is not None:
        _hold(MovieRating.objects.filter(user=user, movie__tmdb_id=tmdb_id), if_version)
    if fetched(REMOVE.format(table=TABLES[kind]), [user.pk, tmdb_id]):
        _record(REMOVED[kind], user, tmdb_id, now)


@transaction.atomic
def rate_movie(
    *,
    user: User,
    movie_pk: int,
    stars: int,
    review: str | None,
    private: bool | None,
    now: dt.datetime,
    if_version: Collection[str] | None = None,
) -> tuple[Rating, bool]:
    """Record what `user` thinks of a film; returns the rating and whether it is new.

    Rating it again replaces the stars; a review or its privacy that is not given (None) stays as it was. `if_version`:
    the versions that may be written over, None for whichever it is. Raises RatingChanged.
    """
    held = None if if_version is None else _hold(MovieRating.objects.filter(user=user, movie_id=movie_pk), if_version)
    at = instants.stored(now)
    whose = [user.pk, movie_pk]
    first = [*whose, stars, review or "", bool(private), False, at, at]
    while True:
        row = _returned(FIRST_RATING.format(film=FILM, columns=RATING_COLUMNS), first)
        if row is not None:
            return _recorded(Action.RATING_GIVEN, user, row, now), True
        if held == NO_RATING:
            raise _changed()  # somebody was first
        row = _returned(NEXT_RATING.format(film=FILM, columns=RATING_COLUMNS), [stars, review, private, at, *whose])
        if row is not None:
            return _recorded(Action.RATING_CHANGED, user, row, now), False
        # it was there and is gone: withdrawn between the two statements


@transaction.atomic
def change_rating(
    *,
    user: User,
    movie_pk: int,
    stars: int | None,
    review: str | None,
    private: bool | None,
    now: dt.datetime,
    if_version: Collection[str] | None = None,
) -> Rating:
    """Change a rating that is there; what is not given (None) stays. Raises NotRated, RatingChanged."""
    if if_version is not None:
        _hold(MovieRating.objects.filter(user=user, movie_id=movie_pk), if_version)
    given = [stars, review, private]
    statement = CHANGE.format(film=FILM, columns=RATING_COLUMNS)
    row = _returned(statement, [*given, *given, instants.stored(now), user.pk, movie_pk])
    if row is None:
        raise NotRated("You have not rated this film.")
    return _recorded(Action.RATING_CHANGED, user, row, now)


def _hold(rating: QuerySet[MovieRating], versions: Collection[str]) -> str:
    """The version of a rating, which stays so till commit. Raises RatingChanged where it is none of `versions`."""
    updated_at = rating.select_for_update(no_key=True, of=("self",)).values_list("updated_at", flat=True).first()
    version = NO_RATING if updated_at is None else version_of(updated_at)
    if version not in versions:
        raise _changed()
    return version


def _changed() -> RatingChanged:
    return RatingChanged("The rating has changed since you read it.")


def _recorded(action: Action, user: User, row: tuple[Any, ...], now: dt.datetime) -> Rating:
    """The rating in a row that begins with the film's TMDb id, put down as done. The review's text is nobody else's."""
    tmdb_id, *values = row
    rating = Rating.of_row(tuple(values))
    if rating.updated_at == now:
        _record(action, user, tmdb_id, now, {"rating": rating.rating, "review_private": rating.review_private})
    return rating


def _record(
    action: Action, user: User, tmdb_id: int, now: dt.datetime, changes: Mapping[str, object] | None = None
) -> None:
    key = user.audit_key
    record(action, actor=key, subject=key, target=f"movie:{tmdb_id}", changes=changes, now=now)


def _returned(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """The one row that a statement gives, or none."""
    return next(iter(fetched(statement, parameters)), None)
