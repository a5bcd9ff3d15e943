"""Text to films: ranked, filtered and counted; and completions while somebody types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tantivy import Query

from matinee.catalog.columns import columns
from matinee.catalog.filters import EVERYTHING, MovieFilter, Sort
from matinee.catalog.models import Movie
from matinee.catalog.projection import DEEPEST
from matinee.search.index import SearchIndex, search_index
from matinee.search.queries import Queries
from matinee.search.questions import Question, question_of
from matinee.search.words import folded

MOST_SUGGESTIONS = 10
ENOUGH = 10
"""With fewer films that match to the letter, typos are forgiven."""
FIRST_LOOK = 400
BY_DATABASE = 500
"""Films that the database answers with while there is no index."""

TmdbIds = NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """The best films first, at least as many as were asked for where there are so many, and how many there are in all:
    those that can be paged, at most DEEPEST."""

    tmdb_ids: TmdbIds
    total: int


def search(*, text: str, movie_filter: MovieFilter, sort: Sort | None, first: int) -> Found:
    """The films that `text` means and `movie_filter` lets through, in the order of `sort` or the best match first."""
    question = question_of(text)
    index = search_index()
    if index is None:
        return _narrowed(_by_prefix(text, BY_DATABASE), movie_filter, sort)
    query, count = _query(index, question)
    if movie_filter == EVERYTHING and sort is None:
        return Found(_best_of(index, query, first), min(count, DEEPEST))
    return _narrowed(_hits(index, query, count)[0], movie_filter, sort)


def suggest(*, text: str) -> list[int]:
    """The TMDb ids of at most MOST_SUGGESTIONS films that somebody who has typed `text` may mean."""
    question = question_of(text)
    index = search_index()
    if index is None:
        return list(map(int, _by_prefix(text, MOST_SUGGESTIONS)))
    found: dict[int, None] = {}
    for query in Queries(index.schema).completions(question):
        if len(found) >= MOST_SUGGESTIONS:
            break
        ids, _ = _hits(index, query, MOST_SUGGESTIONS)
        found |= dict.fromkeys(ids.tolist())
    return list(found)[:MOST_SUGGESTIONS]


def _query(index: SearchIndex, question: Question) -> tuple[Query, int]:
    """The strictest query that finds enough, and how many films it finds."""
    queries = Queries(index.schema)
    query = queries.matching(question, forgiving=False)
    count = _count(index, query)
    if count < ENOUGH:
        query = queries.matching(question, forgiving=True)
        count = _count(index, query)
    if count == 0:
        query = queries.nearly_matching(question)
        count = _count(index, query)
    return query, count


def _count(index: SearchIndex, query: Query) -> int:
    result: Any = index.searcher.search(query, 1, count=True)  # the library's own types leave `count` out
    return int(result.count)


def _best_of(index: SearchIndex, query: Query, first: int) -> TmdbIds:
    """The first of them, in an order that does not depend on how many are asked for: ties by ascending TMDb id."""
    ids, scores = _hits(index, query, FIRST_LOOK)
    settled = len(ids) if len(ids) < FIRST_LOOK else int(np.count_nonzero(scores > scores[-1]))
    if settled >= first or settled == len(ids):
        return ids[:settled]
    return _hits(index, query, DEEPEST)[0]


def _hits(index: SearchIndex, query: Query, limit: int) -> tuple[TmdbIds, NDArray[np.float64]]:
    hits = index.searcher.search(query, max(limit, 1), count=False, weight_by_field="weight").hits
    ids = np.array(index.searcher.fast_field_values("tmdb_id", [place for _, place in hits]), dtype=np.int64)
    scores = np.array([score for score, _ in hits], dtype=np.float64)
    order = np.lexsort((ids, -scores))
    return ids[order], scores[order]


def _narrowed(tmdb_ids: TmdbIds, movie_filter: MovieFilter, sort: Sort | None) -> Found:
    catalogue = columns()
    rows = catalogue.rows_of(tmdb_ids)
    rows = rows[catalogue.mask(movie_filter).contains(rows)]
    if sort is not None:
        rows = catalogue.in_order(rows, sort)
    return Found(catalogue.tmdb_ids[rows[:DEEPEST]], min(len(rows), DEEPEST))


def _by_prefix(text: str, most: int) -> TmdbIds:
    printable = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not folded(printable):
        return np.empty(0, dtype=np.int64)
    films = Movie.objects.filter(title__istartswith=printable).order_by("-vote_count", "tmdb_id")
    return np.array(films.values_list("tmdb_id", flat=True)[:most], dtype=np.int64)
