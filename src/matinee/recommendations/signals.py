"""What a model learns from: own people's ratings and favourites, and the facts of films, streamed from the rows."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef

from matinee.accounts.models import User
from matinee.catalog.models import Movie
from matinee.core import replica
from matinee.engine.arrays import Floats, Ids
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import HIGHEST_RATING, Interactions
from matinee.engine.popularity import acclaim
from matinee.engine.rating_prediction import promised_stars
from matinee.library.models import Favorite, MovieRating

READ_AT_ONCE = 5_000
FACTS = (
    "tmdb_id",
    "vote_count",
    "vote_average",
    "release_date",
    "genre_ids",
    "keywords",
    "directors",
    "cast",
    "original_language",
    "production_countries",
    "production_companies",
    "collection_id",
)

Signal: TypeAlias = tuple[int, int, float, dt.datetime]
"""A person's id, a film's at TMDb, stars, and when."""


def own_interactions(*, now: dt.datetime) -> tuple[Interactions, Ids]:
    """What active people have rated or favourited up to `now`; a favourite counts as five stars, rated or not.

    Each person is one anonymous user; beside the ratings stands (users,) whose row is whose, for no model to learn.
    Watchlist entries and dismissals say nothing of a film that was seen: they count when their person asks, not here.
    Two queries, three where they come from a replica, held as columns and never as rows.
    """
    users, films, stars, times = array("q"), array("q"), array("f"), array("q")
    rows = itertools.chain(_rated(now), _only_favorites(now))
    for user, film, rating, at in _of_people_of_now(rows) if replica.is_read() else rows:
        users.append(user)
        films.append(film)
        stars.append(rating)
        times.append(int(at.timestamp()))
    ratings = Interactions.from_arrays(
        np.frombuffer(users, np.int64),
        np.frombuffer(films, np.int64),
        np.frombuffer(stars, np.float32),
        np.frombuffer(times, np.int64),
    )
    return ratings, np.unique(np.frombuffer(users, np.int64))


def film_features() -> tuple[ItemFeatures, Floats, Floats]:
    """The features of every film, and its acclaim (0 to 1) and promised stars by TMDb's votes. One query.

    All by ascending TMDb id.
    """
    ids, votes, averages, years = array("q"), array("d"), array("d"), list[int | None]()
    fields = ("genres", "keywords", "directors", "cast", "languages", "countries", "companies", "collections")
    values: dict[str, list[list[int | str]]] = {name: [] for name in fields}
    films = Movie.objects.order_by("tmdb_id").values(*FACTS)
    for film in films.iterator(chunk_size=READ_AT_ONCE):
        ids.append(film["tmdb_id"])
        votes.append(film["vote_count"] or 0)
        averages.append(np.nan if film["vote_average"] is None else film["vote_average"])
        years.append(film["release_date"].year if film["release_date"] else None)
        values["genres"].append(_plain(film["genre_ids"]))
        values["keywords"].append(_plain(film["keywords"]))
        values["directors"].append(_plain(film["directors"]))
        values["cast"].append(_plain(film["cast"]))
        values["languages"].append(_plain([film["original_language"]]))
        values["countries"].append(_plain(film["production_countries"], "iso_3166_1"))
        values["companies"].append(_plain(film["production_companies"], "id"))
        values["collections"].append(_plain([film["collection_id"]]))
    features = ItemFeatures.from_lists(np.frombuffer(ids, np.int64), values, years)
    counts, means = np.frombuffer(votes, np.float64), np.frombuffer(averages, np.float64)
    return features, acclaim(counts, means), promised_stars(counts, means)


def _of_people_of_now(rows: Iterator[Signal]) -> Iterator[Signal]:
    """Those of people whom the database itself knows still: who was erased may be in its replica for a while."""
    people = {*User.objects.using(DEFAULT_DB_ALIAS).filter(is_active=True).values_list("pk", flat=True)}
    return (row for row in rows if row[0] in people)


def _rated(now: dt.datetime) -> Iterator[Signal]:
    favorites = Favorite.objects.filter(user=OuterRef("user"), movie=OuterRef("movie"))
    ratings = MovieRating.objects.filter(user__is_active=True, updated_at__lte=now).annotate(loved=Exists(favorites))
    columns = ("user_id", "movie__tmdb_id", "rating", "loved", "updated_at")
    for user, film, rating, loved, at in ratings.values_list(*columns).iterator(chunk_size=READ_AT_ONCE):
        yield user, film, HIGHEST_RATING if loved else rating, at


def _only_favorites(now: dt.datetime) -> Iterator[Signal]:
    ratings = MovieRating.objects.filter(user=OuterRef("user"), movie=OuterRef("movie"))
    favorites = Favorite.objects.filter(~Exists(ratings), user__is_active=True, created_at__lte=now)
    columns = ("user_id", "movie__tmdb_id", "created_at")
    for user, film, at in favorites.values_list(*columns).iterator(chunk_size=READ_AT_ONCE):
        yield user, film, HIGHEST_RATING, at


def _plain(stored: Any, key: str = "name") -> list[int | str]:
    """The ids or names of a list of facts, each name held once in memory; entries of another shape are passed over."""
    entries: Iterable[Any] = stored if isinstance(stored, list) else ()
    plain = (entry.get(key) if isinstance(entry, dict) else entry for entry in entries)
    return [sys.intern(value) if isinstance(value, str) else value for value in plain if isinstance(value, int | str)]
