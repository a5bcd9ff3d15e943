"""What one person has done with films, so that the very next answer knows of it.

A process remembers it for as long as the version of the person's state stands, which is read with every request and
which every write of theirs moves, in whatever process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from matinee.accounts.models import User
from matinee.core.remembered import Remembered
from matinee.core.statements import fetched
from matinee.library.queries import Flags, flags_of

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

    @cached_property
    def flags(self) -> Mapping[int, Flags]:
        """By TMDb id: what each film is to this person that is anything to them but dismissed."""
        favorites, waiting, stars = {*self.favorites}, {*self.watchlist}, dict(self.ratings)
        return {
            id_: Flags(id_ in favorites, id_ in waiting, stars.get(id_)) for id_ in favorites | waiting | stars.keys()
        }

    @property
    def size(self) -> int:
        """How many things it holds."""
        return len(self.ratings) + len(self.favorites) + len(self.watchlist) + len(self.dismissals)


class _Person(NamedTuple):
    """Who asked lately."""

    history: PersonalHistory | None
    """None where it was not read yet."""

    @property
    def weight(self) -> int:
        return 1 + (0 if self.history is None else self.history.size)


THINGS_REMEMBERED = 300_000
"""At most, in one process: some 100 MB where all of it is in use."""
_people = Remembered[_Person](THINGS_REMEMBERED, weight=lambda person: person.weight)


def history_of(user: User) -> PersonalHistory:
    """All that `user` has given us to go on: one query, or none where it is remembered."""
    person = _remembered(user)
    if person is not None and person.history is not None:
        return person.history
    history = read_history(user)
    _remember(user, history)
    return history


def flags_on(films: Mapping[int, int], *, user: User) -> dict[int, Flags]:
    """By TMDb id, the flags for `user` of those of `films` (Movie.pk by TMDb id) that have any: one query or none.

    A person who asks again with nothing changed is remembered whole; until then these films alone are looked up, so
    that a long history is not read for one page.
    """
    if _remembered(user) is not None:
        flags = history_of(user).flags
        return {tmdb_id: flags[tmdb_id] for tmdb_id in films if tmdb_id in flags}
    _remember(user, None)
    by_pk = flags_of(user=user, movie_ids=films.values())
    return {tmdb_id: by_pk[pk] for tmdb_id, pk in films.items() if pk in by_pk}


def _remembered(user: User) -> _Person | None:
    return None if user.state_version is None else _people.get(user.pk, user.state_version)


def _remember(user: User, history: PersonalHistory | None) -> None:
    """What is read after its version is at least as new as that."""
    if user.state_version is not None:
        _people.keep(user.pk, _Person(history), user.state_version)


def read_history(user: User) -> PersonalHistory:
    """All that `user` has given us to go on, in one query."""
    films: dict[int, list[tuple[int, int]]] = {kind: [] for kind in (RATING, FAVORITE, WATCHLIST, DISMISSAL)}
    genres: tuple[int, ...] = ()
    for kind, tmdb_id, stars, text in fetched(EVERYTHING_OF_A_PERSON, [user.pk] * 5):
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
