"""Films as a reader can see them, and the plain reading of a filter that the columns are held against."""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from matinee.catalog import orders
from matinee.catalog.film_table import FIELDS, table_of, title_key
from matinee.catalog.filters import SORT_FIELDS, MovieFilter, Sort, Term, imdb_number
from matinee.catalog.models import Movie
from matinee.catalog.postings import KINDS, Posting, Postings, arrays_of
from matinee.catalog.projection import CatalogColumns, projected
from matinee.core.array_files import room_in_memory

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ACTION, DRAMA, WAR = 28, 18, 10752
KEYS = (1, 2, 3, 2**63 - 1)
GENRES = (ACTION, DRAMA, WAR, 2**40)


@dataclass(frozen=True)
class Facts:
    """What is known of a film that is not in the database."""

    tmdb_id: int
    title: str = "Heat"
    release_date: dt.date | None = None
    runtime: int | None = None
    vote_average: float | None = None
    vote_count: int | None = None
    popularity: float | None = None
    revenue: int | None = None
    original_language: str | None = None
    imdb_id: str | None = None
    genre_ids: tuple[int, ...] = ()
    cast: tuple[int, ...] = ()
    crew: tuple[int, ...] = ()
    keywords: tuple[int, ...] = ()
    certifications: tuple[int, ...] = ()
    """Keys, as the two below."""
    providers: tuple[int, ...] = ()


def film(tmdb_id: int, title: str = "Heat", **facts: Any) -> Movie:
    """A row that is not saved yet."""
    return Movie(tmdb_id=tmdb_id, title=title, created_at=NOW, updated_at=NOW, **facts)


def columns_of(films: Sequence[Facts]) -> CatalogColumns:
    rows = [
        tuple(list(one.genre_ids) if name == "genre_ids" else getattr(one, name, one.tmdb_id) for name in FIELDS)
        for one in sorted(films, key=lambda one: one.tmdb_id)
    ]
    table = table_of(rows)
    postings = postings_of(films)
    arrays = dict(projected(table, orders.by_title(table, room_in_memory), room_in_memory))
    return CatalogColumns("test", arrays, lambda: postings)


def postings_of(films: Sequence[Facts]) -> Postings:
    made = {}
    for kind in KINDS:
        pairs = np.array([(key, one.tmdb_id) for one in films for key in getattr(one, kind)], dtype=np.int64)
        made[kind] = Posting.of(*pairs.reshape(-1, 2).T)
    return Postings("test", arrays_of(made))


def matching(films: Sequence[Facts], asked: MovieFilter) -> list[Facts]:
    return [one for one in films if _matches(one, asked)]


def in_order(films: Sequence[Facts], sort: Sort) -> list[int]:
    """TMDb ids: known values first, ties by ascending id."""
    field = "release_date" if sort.field == "primary_release_date" else sort.field
    by_id = sorted(films, key=lambda one: one.tmdb_id)
    known = [one for one in by_id if getattr(one, field) is not None]
    unknown = [one for one in by_id if getattr(one, field) is None]
    ordered = sorted(known, key=lambda one: _sort_key(one, field), reverse=sort.descending)  # stable both ways
    return [one.tmdb_id for one in [*ordered, *unknown]]


def _sort_key(one: Facts, field: str) -> Any:
    return title_key(one.title) if field == "title" else getattr(one, field)


def _matches(one: Facts, asked: MovieFilter) -> bool:
    return (
        all(genre in one.genre_ids for genre in asked.all_genres)
        and (not asked.any_genres or any(genre in one.genre_ids for genre in asked.any_genres))
        and not any(genre in one.genre_ids for genre in asked.without_genres)
        and _within(one.release_date, asked.released_from, asked.released_to)
        and _within(one.vote_average, asked.vote_average_from, asked.vote_average_to)
        and _within(one.vote_count, asked.vote_count_from, None)
        and _within(one.runtime, asked.runtime_from, asked.runtime_to)
        and all(_has(one, term) for term in asked.terms)
        and (not asked.languages or (one.original_language or "").lower() in asked.languages)
        and (asked.tmdb_ids is None or one.tmdb_id in asked.tmdb_ids)
        and (asked.imdb_number is None or imdb_number(one.imdb_id or "") == asked.imdb_number)
    )


def _has(one: Facts, term: Term) -> bool:
    own = {key for kind in term.kinds for key in getattr(one, kind)}
    match term.how:
        case "all":
            return own.issuperset(term.keys)
        case "any":
            return not own.isdisjoint(term.keys)
        case "none":
            return own.isdisjoint(term.keys)


def _within(value: Any, low: Any, high: Any) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


_days = st.dates(dt.date(1999, 11, 1), dt.date(2000, 2, 28))
_averages = st.sampled_from([0.0, 5.0, 6.999, 7.0, 7.001, 10.0])
_counts = st.sampled_from([0, 1, 90, 120, 2**31 - 1])
_languages = st.sampled_from(["en", "fr", "cn"])
_ids = st.integers(1, 60) | st.just(2**63 - 1)

some_films = st.lists(
    st.builds(
        Facts,
        tmdb_id=_ids,
        title=st.sampled_from(["Alien", "alien", "Álien", "Zulu", "東京物語", ""])
        | st.text(string.printable, max_size=5),
        release_date=_maybe(_days),
        runtime=_maybe(_counts),
        vote_average=_maybe(_averages),
        vote_count=_maybe(_counts),
        popularity=_maybe(st.floats(0, 100)),
        revenue=_maybe(st.sampled_from([1, 2, 2**53 + 1, 2**53 + 2, 2**63 - 1])),
        original_language=_maybe(_languages),
        imdb_id=_maybe(st.sampled_from(["tt0000001", "tt0000002", "nonsense"])),
        genre_ids=st.lists(st.sampled_from(GENRES), max_size=4).map(tuple),
        **{kind: st.lists(st.sampled_from(KEYS), max_size=3).map(tuple) for kind in KINDS},
    ),
    max_size=60,
    unique_by=lambda one: one.tmdb_id,
)


def _two(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Bounds, of which each may be missing and the lower is not above the upper."""
    return st.tuples(_maybe(values), _maybe(values)).map(
        lambda pair: pair if None in pair or pair[0] <= pair[1] else (pair[1], pair[0])
    )


@st.composite
def some_filters(draw: st.DrawFn) -> MovieFilter:
    """Filters of every kind; most ask only a few things, so that some films are left."""
    genres = st.lists(st.sampled_from([*GENRES, 99]), max_size=2, unique=True).map(sorted).map(tuple)
    terms = st.builds(
        Term,
        kinds=st.sets(st.sampled_from(KINDS), min_size=1, max_size=2).map(sorted).map(tuple),
        keys=st.sets(st.sampled_from([*KEYS, 99]), min_size=1, max_size=2).map(sorted).map(tuple),
        how=st.sampled_from(["all", "any", "none"]),
    )
    kinds = draw(
        st.sets(st.sampled_from(["all", "terms", "any", "not", "day", "avg", "votes", "time", "lang", "ids", "imdb"]))
    )
    released = draw(_two(_days)) if "day" in kinds else (None, None)
    average = draw(_two(_averages)) if "avg" in kinds else (None, None)
    runtime = draw(_two(_counts)) if "time" in kinds else (None, None)
    return MovieFilter(
        all_genres=draw(genres) if "all" in kinds else (),
        any_genres=draw(genres) if "any" in kinds else (),
        without_genres=draw(genres) if "not" in kinds else (),
        released_from=released[0],
        released_to=released[1],
        vote_average_from=average[0],
        vote_average_to=average[1],
        vote_count_from=draw(_maybe(_counts)) if "votes" in kinds else None,
        runtime_from=runtime[0],
        runtime_to=runtime[1],
        languages=draw(st.lists(_languages, max_size=2, unique=True).map(sorted).map(tuple)) if "lang" in kinds else (),
        terms=draw(st.lists(terms, min_size=1, max_size=2).map(tuple)) if "terms" in kinds else (),
        tmdb_ids=draw(st.sets(_ids, min_size=1, max_size=30).map(sorted).map(tuple)) if "ids" in kinds else None,
        imdb_number=draw(st.sampled_from([1, 2, 3])) if "imdb" in kinds else None,
    )


some_sorts = st.builds(Sort, field=st.sampled_from(SORT_FIELDS), descending=st.booleans())
