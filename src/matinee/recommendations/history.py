"""What one person has done with films, read when it is asked for, so that the very next answer knows of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import F, IntegerField, QuerySet, TextField, Value
from django.db.models.functions import Cast

from matinee.accounts.models import User, UserProfile
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist

RATING, FAVORITE, WATCHLIST, DISMISSAL, GENRES = range(5)


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
    parts = [
        _films(MovieRating.objects.filter(user=user), RATING, F("rating")),
        _films(Favorite.objects.filter(user=user), FAVORITE, Value(0)),
        _films(Watchlist.objects.filter(user=user), WATCHLIST, Value(0)),
        _films(Dismissal.objects.filter(user=user), DISMISSAL, Value(0)),
        UserProfile.objects.filter(user=user).values_list(
            Value(GENRES), F("pk"), Value(0), Cast("favorite_genres", TextField())
        ),
    ]
    films: dict[int, list[tuple[int, int]]] = {kind: [] for kind in (RATING, FAVORITE, WATCHLIST, DISMISSAL)}
    genres: tuple[int, ...] = ()
    for kind, tmdb_id, stars, text in parts[0].union(*parts[1:], all=True):
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


def _films(entries: QuerySet[Any], kind: int, stars: F | Value) -> QuerySet[Any, tuple[int, int, int, str]]:
    return entries.values_list(
        Value(kind), F("movie__tmdb_id"), Cast(stars, IntegerField()), Value("", output_field=TextField())
    )


def _ids(films: list[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(sorted(film for film, _ in films))
