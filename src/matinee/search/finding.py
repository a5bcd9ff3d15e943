"""Text to films: ranked, filtered and counted; and completions while somebody types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tantivy import Query

from matinee.catalog.ceiling import instance_ceiling, permitted
from matinee.catalog.columns import columns
from matinee.catalog.filters import EVERYTHING, MovieFilter, Sort, Term
from matinee.catalog.models import Movie
from matinee.catalog.projection import DEEPEST
from matinee.search.index import SearchIndex, search_index
from matinee.search.queries import BEGINNING, BY_ID, NEAR, NEARLY_WHOLE, Forgiving, Queries
from matinee.search.questions import Question, question_of
from matinee.search.words import folded, key_of

MOST_SUGGESTIONS = 10
ENOUGH = 10
"""Films whose titles begin with the question, from which on no typos are forgiven."""
MATCHES = {1: ENOUGH, 2: 1}
"""By the typos forgiven so far in titles: from so many films that have all the words as typed, no more are forgiven."""
FIRST_LOOK = 400
MORE, SPARE = 4, 1.2
"""Where filters leave too few of the matches that were read, more are read: at least MORE times as many, and SPARE
times as many as the share that is left says are needed."""
FEW = 10_000
"""Films that a filter lets through, up to which the index is asked among them alone."""
BY_DATABASE = 500
"""Films that the database answers with while there is no index."""
BY_SCORE, BY_WEIGHT = {"weight_by_field": "weight"}, {"order_by_field": "weight"}
"""Times the weight; and by the weight alone, which takes half as long where very many films match."""

TmdbIds = NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """The best films first, at least as many as were asked for where there are so many, and how many there are in all:
    those that can be paged."""

    tmdb_ids: TmdbIds
    total: int
    is_too_little: bool = False
    """Whether the catalogue, filters aside, has no title near to what was typed, and few films with its words."""


def search(*, text: str, movie_filter: MovieFilter, sort: Sort | None, first: int, most: int = DEEPEST) -> Found:
    """The films that `text` means and `movie_filter` lets through, in the order of `sort` or the best match first.

    `most` of them can be paged: in the order of the best match no more are read than it takes to count so many.
    """
    question = question_of(text)
    index = search_index()
    if index is not None and movie_filter == EVERYTHING and sort is None:
        query, hits = _ask(index, question)
        best = _read(index, query, hits, first, lambda ids: ids)
        return Found(best, min(hits.total, most), hits.is_too_little)
    catalogue = columns()
    let_through = catalogue.mask(movie_filter)

    def narrowed(tmdb_ids: TmdbIds) -> TmdbIds:
        rows = catalogue.rows_of(tmdb_ids)
        rows = rows[let_through.contains(rows)]
        return catalogue.tmdb_ids[(rows if sort is None else catalogue.in_order(rows, sort))[:most]]

    if index is None:
        kept = narrowed(_by_prefix(text, BY_DATABASE))
        return Found(kept, len(kept))
    query, hits = _ask(index, question)
    is_too_little = hits.is_too_little
    if hits.total > FIRST_LOOK and let_through.count() <= FEW:
        query = Queries(index.schema, index.searcher).among(query, catalogue.tmdb_ids[let_through.rows()].tolist())
        hits = _hits(index, query, FEW)
    if sort is not None and len(hits.tmdb_ids) < hits.total:
        hits = _hits(index, query, hits.total)
    kept = _read(index, query, hits, most, narrowed)
    return Found(kept, len(kept), is_too_little)


def _read(
    index: SearchIndex, query: Query, hits: _Hits, enough: int, narrowed: Callable[[TmdbIds], TmdbIds]
) -> TmdbIds:
    """The best films of a query that are left once they are narrowed: all, or `enough` where there are more."""
    while True:
        settled = hits.tmdb_ids[: hits.settled]
        kept = narrowed(settled)
        if len(kept) >= enough or len(hits.tmdb_ids) == hits.total:
            return kept
        share = max(len(kept), 1) / max(len(settled), 1)
        hits = _hits(index, query, min(max(int(SPARE * enough / share), MORE * len(hits.tmdb_ids)), hits.total))


def suggest(*, text: str, ceiling: Term | None = None) -> list[int]:
    """The TMDb ids of at most MOST_SUGGESTIONS films that somebody who has typed `text` may mean, and may be shown:
    `ceiling` is their own."""
    question = question_of(text)
    index = search_index()
    if index is None:
        return [*permitted(_by_prefix(text, BY_DATABASE).tolist(), ceiling)][:MOST_SUGGESTIONS]
    queries = Queries(index.schema, index.searcher)
    ranked = BY_WEIGHT if question.runs and question.year is None else BY_SCORE
    for guesses in (queries.completions(question), queries.distant_completions(question)):
        found = _first_ten(index, guesses, ceiling, ranked)
        if found:
            break
    return found[:MOST_SUGGESTIONS]


def _first_ten(
    index: SearchIndex, queries: Iterable[Query], ceiling: Term | None, ranked: Mapping[str, Any]
) -> list[int]:
    """Of each query its best films, until there are MOST_SUGGESTIONS or more."""
    found: dict[int, None] = {}
    for query in queries:
        if len(found) >= MOST_SUGGESTIONS:
            break
        most = MOST_SUGGESTIONS if instance_ceiling() is ceiling is None else FIRST_LOOK
        best = _hits(index, query, most, ranked)
        found |= dict.fromkeys(permitted(best.tmdb_ids.tolist(), ceiling))
    return list(found)


@dataclass(frozen=True)
class _Hits:
    """The best films of a query, by descending score and then ascending TMDb id, and how many there are in all."""

    tmdb_ids: TmdbIds
    scores: NDArray[np.float64]
    total: int

    @property
    def best(self) -> float:
        return float(self.scores[0]) if len(self.scores) else 0.0

    @property
    def is_too_little(self) -> bool:
        return self.best < NEARLY_WHOLE[1] and self.total < ENOUGH

    @property
    def settled(self) -> int:
        """How many stand where they would among all: not those that tie with one that may have been left out."""
        if len(self.scores) == self.total:
            return self.total
        return int(np.count_nonzero(self.scores > self.scores[-1]))


def _ask(index: SearchIndex, question: Question) -> tuple[Query, _Hits]:
    """The strictest query that finds enough, and its best films."""
    queries = Queries(index.schema, index.searcher)
    is_plain = question.tmdb_id is None and not question.phrases
    if is_plain and index.titles_begun(key_of(question.words)) >= DEEPEST:
        query = queries.begun(question)
        return query, _hits(index, query, FIRST_LOOK)
    levels, found_nothing = queries.levels(question), queries.is_in_no_film(question)
    for forgiving in levels[1:] if found_nothing and len(levels) > 1 else levels:
        only_near = found_nothing and forgiving.in_title > 0 and forgiving.in_words == 0
        query = queries.nearly(question, forgiving.in_title) if only_near else queries.matching(question, forgiving)
        hits = _hits(index, query, FIRST_LOOK)
        found_nothing = hits.total == 0
        if _is_enough(hits, forgiving):
            break
    if hits.total == 0:
        query = queries.nearly_matching(question)
        hits = _hits(index, query, FIRST_LOOK)
    return query, hits


def _is_enough(hits: _Hits, forgiving: Forgiving) -> bool:
    """Whether nothing that is less strict would come among the first: many titles begin so, one is near, or many films
    have all the words as they were typed."""
    if hits.best >= BY_ID or (len(hits.scores) >= ENOUGH and hits.scores[ENOUGH - 1] >= BEGINNING):
        return True
    if forgiving.in_title == 0:
        return False
    return hits.best >= NEAR[forgiving.in_title] or hits.total >= MATCHES[forgiving.in_title]


def _hits(index: SearchIndex, query: Query, limit: int, ranked: Mapping[str, Any] = BY_SCORE) -> _Hits:
    result: Any = index.searcher.search(query, max(limit, 1), count=True, **ranked)
    ids = np.array(index.searcher.fast_field_values("tmdb_id", [place for _, place in result.hits]), dtype=np.int64)
    scores = np.array([score for score, _ in result.hits], dtype=np.float64)
    order = np.lexsort((ids, -scores))
    return _Hits(ids[order], scores[order], result.count)  # which the library's own types leave out


def _by_prefix(text: str, most: int) -> TmdbIds:
    printable = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not folded(printable):
        return np.empty(0, dtype=np.int64)
    films = Movie.objects.filter(title__istartswith=printable).order_by("-vote_count", "tmdb_id")
    return np.array(films.values_list("tmdb_id", flat=True)[:most], dtype=np.int64)
