"""From one person, or one film, to ranked films, now: nothing of a person is kept between two answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from matinee.accounts.models import User
from matinee.catalog.columns import Mask
from matinee.catalog.filters import MovieFilter, Sort
from matinee.catalog.models import Movie
from matinee.core.refusals import BadRequest, FieldError
from matinee.engine.arrays import Doubles, Ids, Rows
from matinee.engine.ranking import diversified, rank
from matinee.engine.rating_prediction import Opinions
from matinee.engine.signals import History
from matinee.recommendations.history import read_history
from matinee.recommendations.pool import Pool, PublishedModel, current_pool
from matinee.recommendations.rating_prediction import opinions_of, predicted

Source = Literal["taste", "similar", "popular"]

DEEPEST = 500
"""How many films an answer can be paged through."""
DIVERSIFIED_FILMS = 200
"""So many of the first films are rearranged for diversity; the rest follow as they were."""
MOST_REASONS = 5
BASE_AMONG_KIN = 0.2
"""How much of its base score counts for a film among those that are like another."""
GENRE_PULL = 0.5
"""What a favourite genre adds for someone who has done nothing else, as a part of the highest base score."""


class UnknownSeed(BadRequest):
    """A seed is no film of the catalogue."""

    code = "unknown_seed"


@dataclass(frozen=True)
class Reason:
    """A film of mine, and its part of all that my films add to a score, above 0 to 1."""

    tmdb_id: int
    share: float


@dataclass(frozen=True)
class Pick:
    """One recommended film."""

    tmdb_id: int
    score: float
    source: Source
    because: tuple[Reason, ...]
    """At most five, strongest first; empty where the source is `popular`."""
    predicted_rating: float | None
    """The stars that the person would give it, 1 to 5; None where nothing tells, or nobody asks for themselves."""


@dataclass(frozen=True)
class Ranking:
    """The films of one answer, best first, at most 500.

    Reasons and predicted ratings are worked out for the page that is asked for.
    """

    model_version: str | None
    personalised: bool
    """Whether something that the person did, or their favourite genres, had a say."""
    tmdb_ids: Ids = field(repr=False)
    """(m,)"""
    scores: Doubles = field(repr=False)
    """(m,) comparable within this ranking alone."""
    _rows: Rows = field(repr=False)
    _history: History = field(repr=False)
    _opinions: Opinions | None = field(repr=False)
    """Of the person who asks for themselves."""
    _pool: Pool = field(repr=False)

    @property
    def is_for_a_person(self) -> bool:
        """Whether someone asks for themselves, so that the picks say what they would think of them."""
        return self._opinions is not None

    def __len__(self) -> int:
        return len(self.tmdb_ids)

    def page(self, start: int, stop: int) -> tuple[Pick, ...]:
        """The picks from place `start` up to, not including, `stop`."""
        rows, history, opinions = self._rows[start:stop], self._history, self._opinions
        ids = history.item_ids if opinions is None else np.union1d(history.item_ids, opinions.item_ids)
        links = self._pool.links(ids, rows)
        reasons = self._reasons(rows, links[np.searchsorted(ids, history.item_ids)])
        stars: list[float | None] = [None] * len(rows)
        if opinions is not None:
            stars = predicted(self._pool, opinions, links[np.searchsorted(ids, opinions.item_ids)], rows)
        facts = zip(self.tmdb_ids[start:stop].tolist(), self.scores[start:stop].tolist(), reasons, stars, strict=True)
        return tuple(Pick(tmdb_id, score, *why, predicted_rating) for tmdb_id, score, why, predicted_rating in facts)

    def _reasons(self, rows: Rows, links: Doubles) -> list[tuple[Source, tuple[Reason, ...]]]:
        """Of each of `rows` (k,), by the links (h, k) from the films of the history."""
        published = self._pool.published
        answers: list[tuple[Source, tuple[Reason, ...]]] = [("popular", ()) for _ in rows]
        gains = np.maximum(links * self._history.signals[:, np.newaxis], 0.0)
        sums = gains.sum(axis=0)
        if published is None or not sums.any():
            return answers
        by_ratings = _by_ratings(published, self._history, self._pool.item_rows[rows], gains)
        for place in np.flatnonzero(sums > 0).tolist():
            source: Source = "taste" if by_ratings[place] * 2 >= sums[place] else "similar"
            answers[place] = source, self._because(gains[:, place] / sums[place])
        return answers

    def _because(self, shares: Doubles) -> tuple[Reason, ...]:
        strongest = np.argsort(-shares, kind="stable")[:MOST_REASONS]
        return tuple(
            Reason(tmdb_id=int(self._history.item_ids[place]), share=float(shares[place]))
            for place in strongest
            if shares[place] > 0
        )


def recommend(
    *,
    user: User,
    movie_filter: MovieFilter,
    sort: Sort | None = None,
    diversity: float = 0.0,
    seeds: Iterable[int] = (),
    include_watchlist: bool = False,
) -> Ranking:
    """The films that `user` is most likely to like, of those that match and that they have not judged yet.

    `seeds` (TMDb ids) stand in for the whole history; `diversity` runs from 0 to 1; `sort` reorders the films
    picked. One query. Raises UnknownSeed.
    """
    pool = current_pool()
    mine = read_history(user)
    seeds = tuple(seeds)
    left_out = mine.settled() | set(seeds) | (set() if include_watchlist else set(mine.watchlist))
    genres: tuple[int, ...] = ()
    if seeds:
        _require_films(seeds, pool)
        history = History.of_actions(favorites=seeds)
    else:
        genres = mine.favorite_genres
        history = History.of_actions(
            ratings=mine.ratings, favorites=mine.favorites, watchlist=mine.watchlist, dismissals=mine.dismissals
        )
    admitted = pool.columns.mask(movie_filter).without(_rows(pool, left_out))
    rows, scores, personalised = _for_person(pool, history, genres, admitted)
    if diversity > 0:
        places = _diversified(pool, rows, scores, diversity)
        rows, scores = rows[places], scores[places]
    return _ranking(pool, history, rows, scores, sort=sort, personalised=personalised, opinions=opinions_of(mine))


def similar(*, movie: Movie, movie_filter: MovieFilter, sort: Sort | None = None) -> Ranking:
    """Films like `movie`: by taste where ratings say so, by content where not, then the popular ones of its genres."""
    pool = current_pool()
    history = History.liking([movie.tmdb_id])
    admitted = pool.columns.mask(movie_filter).without(_rows(pool, [movie.tmdb_id]))
    touched, scores = _touched(pool, history)
    base = pool.base[touched]
    likeness = scores - base
    best = rank(likeness + BASE_AMONG_KIN * base, touched, (likeness > 0) & admitted.contains(touched), DEEPEST)
    kin = pool.columns.mask(MovieFilter(any_genres=tuple(sorted(movie.genre_ids))))
    popular = pool.by_base.first(DEEPEST - len(best), _both(admitted, kin).without(touched[best]))
    rows, scores = np.concatenate([touched[best], popular]), np.concatenate([likeness[best], np.zeros(len(popular))])
    return _ranking(pool, history, rows, scores, sort=sort, personalised=False)


def _for_person(pool: Pool, history: History, genres: tuple[int, ...], admitted: Mask) -> tuple[Rows, Doubles, bool]:
    """(rows, scores, personalised): the 500 films of `admitted` with the highest scores.

    A film that the history does not touch scores its base, so that the first few of the base order stand for the rest.
    A favourite genre raises its films, the less the more the person has done.
    """
    touched, scores = _touched(pool, history)
    if not len(touched) and not genres:
        rows = pool.spread.first(DEEPEST, admitted)
        return rows, pool.base[rows], False
    favourite = pool.columns.mask(MovieFilter(any_genres=tuple(sorted(genres)))) if genres else None
    others = admitted.without(touched)
    rows = pool.by_base.first(DEEPEST, others)
    if favourite is not None:
        rows = np.union1d(rows, pool.by_base.first(DEEPEST, _both(others, favourite)))
    rows, scores = np.concatenate([touched, rows]), np.concatenate([scores, pool.base[rows]])
    if favourite is not None:
        pull = GENRE_PULL * pool.base.max(initial=0.0) / (1 + history.size)
        scores += pull * favourite.contains(rows)
    best = rank(scores, rows, admitted.contains(rows), DEEPEST)
    return rows[best], scores[best], True


def _touched(pool: Pool, history: History) -> tuple[Rows, Doubles]:
    """(rows, scores) of the catalogue's films to whose score the history adds something."""
    if pool.published is None:
        return pool.catalogue_rows, np.zeros(0)
    items, scores = pool.published.model.score(history)
    rows = pool.catalogue_rows[items]
    return rows[rows >= 0], scores[rows >= 0]


def _by_ratings(published: PublishedModel, history: History, item_rows: Rows, gains: Doubles) -> Doubles:
    """(k,) how much of the gains (h, k) of each film speaks from ratings, the rest from content.

    An item with n ratings is trusted n / (n + doubt), a link as much as the product of its two ends: so far the fit
    takes back what content says.
    """
    evidence = published.model.evidence

    def trust(rows: Rows) -> Doubles:
        counts = np.where(rows >= 0, evidence[rows], 0)
        return counts / (counts + published.content_doubt)

    by_ratings: Doubles = trust(item_rows) * (trust(published.model.rows_of(history.item_ids)) @ gains)
    return by_ratings


def _both(one: Mask, other: Mask) -> Mask:
    return Mask(one.words & other.words, one.size)


def _rows(pool: Pool, tmdb_ids: Iterable[int]) -> Rows:
    rows: Rows = pool.columns.rows_of(np.fromiter(tmdb_ids, dtype=np.int64))
    return rows[rows >= 0]


def _require_films(seeds: tuple[int, ...], pool: Pool) -> None:
    rows = pool.columns.rows_of(np.array(seeds, dtype=np.int64))
    missing = [seed for seed, row in zip(seeds, rows.tolist(), strict=True) if row < 0]
    there = set(Movie.objects.filter(tmdb_id__in=missing).values_list("tmdb_id", flat=True)) if missing else set()
    unknown = [seed for seed in missing if seed not in there]
    if unknown:
        message = f"There is no film {', '.join(map(str, unknown))} to start from."
        raise UnknownSeed(message, fields=(FieldError("seeds", message, UnknownSeed.code),))


def _diversified(pool: Pool, rows: Rows, scores: Doubles, diversity: float) -> Ids:
    """The places of `rows` with the first of them rearranged so that neighbours differ."""
    first = pool.item_rows[rows[:DIVERSIFIED_FILMS]]
    similarity = np.zeros((len(first), len(first)))
    known = np.flatnonzero(first >= 0)
    if pool.published is not None:
        similarity[np.ix_(known, known)] = pool.published.model.similarity(first[known])
    places = diversified(scores[: len(first)], similarity, diversity, len(first))
    return np.concatenate([places, np.arange(len(first), len(rows))])


def _ranking(
    pool: Pool,
    history: History,
    rows: Rows,
    scores: Doubles,
    *,
    sort: Sort | None,
    personalised: bool,
    opinions: Opinions | None = None,
) -> Ranking:
    if sort is not None:
        ordered = pool.columns.in_order(rows, sort)
        by_row = np.argsort(rows)
        scores, rows = scores[by_row[np.searchsorted(rows, ordered, sorter=by_row)]], ordered
    return Ranking(
        model_version=None if pool.published is None else pool.published.version,
        personalised=personalised,
        tmdb_ids=pool.columns.tmdb_ids[rows],
        scores=scores,
        _rows=rows,
        _history=history,
        _opinions=opinions,
        _pool=pool,
    )
