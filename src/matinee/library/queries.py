"""What the library says about many films at once.

Statements are written out: composing them by the ORM takes many times as long as running them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from matinee.accounts.models import User
from matinee.core import instants
from matinee.core.remembered import Remembered
from matinee.core.statements import fetched
from matinee.library.models import Dismissal, Entry, Favorite, MovieRating, Watchlist

TABLES: Mapping[type[Entry | MovieRating], str] = {
    Favorite: "library_favorite",
    Watchlist: "library_watchlist",
    Dismissal: "library_dismissal",
    MovieRating: "library_movierating",
}

FAVORITE, WATCHLIST, RATING = range(3)
FLAGS = """
SELECT 0, movie_id, 0 FROM library_favorite WHERE user_id = %s AND movie_id IN ({ids})
UNION ALL SELECT 1, movie_id, 0 FROM library_watchlist WHERE user_id = %s AND movie_id IN ({ids})
UNION ALL SELECT 2, movie_id, rating FROM library_movierating WHERE user_id = %s AND movie_id IN ({ids})
"""
OPINION = """
SELECT given.rating, COUNT(*) FROM library_movierating given
JOIN accounts_user person ON person.id = given.user_id AND person.is_active
WHERE given.movie_id = %s GROUP BY given.rating
"""
NUMBER = "SELECT COUNT(*) FROM {table} WHERE user_id = %s"
RATING_COLUMNS = "rating, review, review_private, created_at, updated_at"
RATING_OF = "SELECT {columns} FROM library_movierating WHERE user_id = %s AND movie_id = %s"
NEWEST_FIRST = """
SELECT {columns} FROM {table} mine JOIN catalog_movie film ON film.id = mine.movie_id
WHERE mine.user_id = %s{among} ORDER BY mine.created_at DESC, mine.id DESC{place}
"""
PLACE = " LIMIT %s OFFSET %s"
ALL = slice(None)

ROWS_REMEMBERED = 30_000
"""At most, in one process: some 8 MB."""
AN_ANSWER = 4
"""What an answer takes beside its rows, in rows: its key, with the statement."""
_lists = Remembered[list[tuple[Any, ...]]](ROWS_REMEMBERED, weight=lambda rows: AN_ANSWER + len(rows))


class Flags(NamedTuple):
    """What one film is to one person."""

    is_favorite: bool = False
    in_watchlist: bool = False
    user_rating: int | None = None


NO_FLAGS = Flags()


NO_RATING = "none"
"""The version of a rating that is not there."""


def version_of(updated_at: dt.datetime) -> str:
    return f"{updated_at:%Y%m%d%H%M%S%f}"


class Rating(NamedTuple):
    """What one person thinks of one film."""

    rating: int
    review: str
    review_private: bool
    created_at: dt.datetime
    updated_at: dt.datetime

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Rating:
        """From the values of RATING_COLUMNS, as a cursor gives them."""
        stars, review, private, created_at, updated_at = row
        return cls(stars, review, bool(private), instants.read(created_at), instants.read(updated_at))

    @property
    def version(self) -> str:
        """Another one after each change."""
        return version_of(self.updated_at)


@dataclass(frozen=True)
class Opinion:
    """What everybody together thinks of one film."""

    average: float | None
    count: int
    distribution: dict[int, int]


def flags_of(*, user: User, movie_ids: Collection[int]) -> dict[int, Flags]:
    """By Movie.pk: the flags for `user` of those of these films that have any; one query, however many they are."""
    if not movie_ids:
        return {}
    found: tuple[set[int], set[int], dict[int, int]] = (set(), set(), {})
    favorites, waiting, stars = found
    for kind, movie_id, rating in fetched(_flags_of(len(movie_ids)), [user.pk, *movie_ids] * 3):
        if kind == RATING:
            stars[movie_id] = rating
        else:
            (favorites if kind == FAVORITE else waiting).add(movie_id)
    return {pk: Flags(pk in favorites, pk in waiting, stars.get(pk)) for pk in favorites | waiting | stars.keys()}


def number_of(kind: type[Entry | MovieRating], *, user: User) -> int:
    """How many of this kind the person has."""
    [(number,)] = _read_once(NUMBER.format(table=TABLES[kind]), [user.pk], user)
    return int(number)


def films_of(kind: type[Entry | MovieRating], *, user: User) -> list[int]:
    """The TMDb ids of all that the person has there, newest first."""
    return [tmdb_id for (tmdb_id,) in _read_once(*_newest_first(kind, "film.tmdb_id", user, ALL), user)]


def entries_of(kind: type[Entry], *, user: User, part: slice | Sequence[int]) -> dict[int, dt.datetime]:
    """When the person put each film there, by TMDb id, newest first: those in these places, or these films."""
    if _is_empty(part):
        return {}
    rows = _read_once(*_newest_first(kind, "film.tmdb_id, mine.created_at", user, part), user)
    return {tmdb_id: instants.read(at) for tmdb_id, at in rows}


def ratings_of(*, user: User, part: slice | Sequence[int]) -> dict[int, Rating]:
    """What the person thinks of films, by TMDb id, newest first: those in these places, or these films."""
    if _is_empty(part):
        return {}
    columns = ", ".join(f"mine.{column}" for column in RATING_COLUMNS.split(", "))
    rows = fetched(*_newest_first(MovieRating, f"film.tmdb_id, {columns}", user, part))  # reviews are kept nowhere else
    return {tmdb_id: Rating.of_row(tuple(row)) for tmdb_id, *row in rows}


def rating_of(*, user: User, movie_pk: int) -> Rating | None:
    """What the person thinks of this film, None where they have not said."""
    rows = fetched(RATING_OF.format(columns=RATING_COLUMNS), [user.pk, movie_pk])
    return Rating.of_row(rows[0]) if rows else None


def opinion_of(movie_pk: int) -> Opinion:
    """The average, number and distribution of the ratings by people whose accounts are active."""
    counts = dict(fetched(OPINION, [movie_pk]))
    number = sum(counts.values())
    average = round(sum(stars * n for stars, n in counts.items()) / number, 2) if number else None
    return Opinion(average=average, count=number, distribution={stars: counts.get(stars, 0) for stars in range(1, 6)})


@lru_cache(maxsize=256)
def _flags_of(number: int) -> str:
    return FLAGS.format(ids=", ".join(["%s"] * number))


def _newest_first(
    kind: type[Entry | MovieRating], columns: str, user: User, part: slice | Sequence[int]
) -> tuple[str, list[Any]]:
    """A statement and its parameters."""
    among, place, parameters = "", "", [user.pk]
    if not isinstance(part, slice):
        among, parameters = f" AND film.tmdb_id IN ({', '.join(['%s'] * len(part))})", [user.pk, *part]
    elif part != ALL:
        place, parameters = PLACE, [user.pk, part.stop - part.start, part.start]
    return NEWEST_FIRST.format(columns=columns, table=TABLES[kind], among=among, place=place), parameters


def _is_empty(part: slice | Sequence[int]) -> bool:
    return not isinstance(part, slice) and not part


def _read_once(statement: str, parameters: list[Any], user: User) -> list[tuple[Any, ...]]:
    """The rows of a statement that is about this person alone, remembered while the version of their state stays the
    same. The version was read before the rows, so that what is remembered under it is never older than it."""
    if user.state_version is None:
        return fetched(statement, parameters)
    key = user.pk, statement, *parameters
    rows = _lists.get(key, user.state_version)
    if rows is None:
        rows = fetched(statement, parameters)
        _lists.keep(key, rows, user.state_version)
    return rows
