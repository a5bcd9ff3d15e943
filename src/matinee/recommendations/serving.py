"""From one person, or one film, to ranked films, as things stand now.

What was worked out for a person is remembered for as long as the version of their state stands, and the pool.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from matinee.accounts.models import User
from matinee.catalog.filters import MovieFilter, Sort
from matinee.catalog.models import Movie
from matinee.core.refusals import BadRequest, FieldError
from matinee.engine.arrays import Doubles, Flags, Floats, Ids, Rows
from matinee.engine.item_model import Reach
from matinee.engine.ranking import diversified, rank, rank_few_of_each
from matinee.engine.signals import History
from matinee.library.history import PersonalHistory, history_of
from matinee.recommendations.pool import EVERY, Pool, PublishedModel, Some, current_pool, pool_and_memory
from matinee.recommendations.rating_prediction import Critic, critic_of

Source = Literal["taste", "similar", "popular"]

DEEPEST = 500
"""How many films an answer can be paged through."""
NEAREST = 100
"""So many of them are ranked where no page behind them is asked for: to order five times as many takes longer."""
DIVERSIFIED_FILMS = 200
"""So many of the first films are rearranged for diversity; the rest follow as they were."""
MOST_OF_A_COLLECTION = 3
"""So many films of one franchise are recommended before all else is."""
FEW = 3
"""Where at most one film in so many is allowed, those alone are gathered and scored, else all are."""
LARGE = 5
"""A catalogue is large that has so many times more films than those that are promising: to gather one costs as much as
to pass by so many."""
MOST_REASONS = 5
BASE_AMONG_KIN = 0.2
"""How much of its base score counts for a film among those that are like another."""
GENRE_PULL = 0.5
"""What a favourite genre adds for someone who has done nothing else, as a part of the highest base score."""


class UnknownSeed(BadRequest):
    """A seed is no film of the catalogue."""

    code = "unknown_seed"


class Reason(NamedTuple):
    """A film of mine, and its part of all that my films add to a score, above 0 to 1."""

    tmdb_id: int
    share: float


class Pick(NamedTuple):
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
    """The films of one answer, best first, as far as they were asked for.

    Reasons and predicted ratings are worked out for the page that is asked for.
    """

    model_version: str | None
    personalised: bool
    """Whether something that the person did, or their favourite genres, had a say."""
    total: int
    """How many films there are with those behind, at most 500."""
    tmdb_ids: Ids = field(repr=False)
    """(m,)"""
    scores: Floats = field(repr=False)
    """(m,) comparable within this ranking alone."""
    _rows: Rows = field(repr=False)
    _reach: Reach = field(repr=False)
    _critic: Critic | None = field(repr=False)
    """The person who asks for themselves."""
    _pool: Pool = field(repr=False)
    number: int = field(default_factory=itertools.count(1).__next__)
    """Of no other ranking of this process."""

    @property
    def is_for_a_person(self) -> bool:
        """Whether someone asks for themselves, so that the picks say what they would think of them."""
        return self._critic is not None

    @property
    def weight(self) -> int:
        """In films."""
        return 1 + self._reach.history.size

    def reaches(self, place: int) -> bool:
        """Whether all films before this place are there."""
        return len(self.tmdb_ids) >= min(place, self.total)

    def page(self, start: int, stop: int) -> tuple[Pick, ...]:
        """The picks from place `start` up to, not including, `stop`."""
        rows = self._rows[start:stop]
        links = self._reach.towards(rows)
        stars: list[float | None] = [None] * len(rows)
        if self._critic is not None:
            stars = self._critic.stars(rows, (self._reach, links))
        reasons = self._reasons(rows, np.maximum(links.here * self._reach.history.signals[:, np.newaxis], 0.0).T)
        facts = zip(self.tmdb_ids[start:stop].tolist(), self.scores[start:stop].tolist(), reasons, stars, strict=True)
        return tuple(Pick(tmdb_id, score, *why, predicted_rating) for tmdb_id, score, why, predicted_rating in facts)

    def _reasons(self, rows: Rows, gains: Doubles) -> Iterator[tuple[Source, tuple[Reason, ...]]]:
        """Of each of `rows` (k,), by what each film of the history adds to their scores (k, h), 0 or more."""
        published, history = self._pool.published, self._reach.history
        if published is None or not history.size:
            yield from itertools.repeat(("popular", ()), len(rows))
            return
        sums = gains.sum(axis=1)
        is_taste = 2 * _by_ratings(published, self._reach, self._pool.item_rows[rows], gains) >= sums
        strongest, strengths = _strongest(gains, MOST_REASONS)
        shares = strengths / np.where(sums > 0, sums, 1)[:, np.newaxis]
        of_films = is_taste, (shares > 0).sum(axis=1), history.item_ids[strongest], shares
        for taste, count, tmdb_ids, parts in zip(*(each.tolist() for each in of_films), strict=True):
            source: Source = "popular" if not count else "taste" if taste else "similar"
            yield source, tuple(map(Reason, tmdb_ids[:count], parts[:count]))


def recommend(
    *,
    user: User,
    movie_filter: MovieFilter,
    sort: Sort | None = None,
    diversity: float = 0.0,
    seeds: Iterable[int] = (),
    include_watchlist: bool = False,
    upto: int = DEEPEST,
) -> Ranking:
    """The films that `user` is most likely to like, of those that match and that they have not judged yet.

    `seeds` (TMDb ids) stand in for the whole history; `diversity` runs from 0 to 1; `sort` reorders the films
    picked; those before place `upto` are wanted. One query, or none where the person is remembered. Raises UnknownSeed.
    """
    wishes = Wishes(movie_filter, sort, diversity, tuple(seeds), include_watchlist)
    (pool, memory), mine = pool_and_memory(), history_of(user)
    critic = critic_of(user, mine, pool, memory)
    if user.state_version is None:
        return recommend_from(mine, wishes, pool, critic, upto=upto)
    version = user.state_version, pool.columns.postings_version(movie_filter)
    ranking = memory.rankings.get((user.pk, wishes), version)
    if ranking is None or not ranking.reaches(upto):
        ranking = recommend_from(mine, wishes, pool, critic, upto=upto)
        memory.rankings.keep((user.pk, wishes), ranking, version)
    return ranking


class Wishes(NamedTuple):
    """What somebody asks recommendations to be like."""

    movie_filter: MovieFilter
    sort: Sort | None = None
    diversity: float = 0.0
    seeds: tuple[int, ...] = ()
    include_watchlist: bool = False


def recommend_from(
    mine: PersonalHistory, wishes: Wishes, pool: Pool, critic: Critic, *, upto: int = DEEPEST
) -> Ranking:
    """The same of a history that has been read. No query, but one where a seed is not in the columns."""
    movie_filter, sort, diversity, seeds, include_watchlist = wishes
    depth = DEEPEST if sort is not None or diversity > 0 or upto > NEAREST else NEAREST
    genres: tuple[int, ...] = ()
    if seeds:
        _require_films(seeds, pool)
        history = History.of_actions(favorites=seeds)
    else:
        genres = mine.favorite_genres
        history = History.of_actions(
            ratings=mine.ratings, favorites=mine.favorites, watchlist=mine.watchlist, dismissals=mine.dismissals
        )
    reach = pool.reach(history)
    left_out = pool.films_of(reach)
    if seeds or include_watchlist:
        films = mine.settled().union(seeds, () if include_watchlist else mine.watchlist)
        left_out = pool.columns.rows_of(np.fromiter(films, dtype=np.int64))
    allowed = _allowed(pool, movie_filter, left_out)
    personalised = bool(genres) or reach.is_linked
    number = int(np.count_nonzero(allowed))
    for some, others_at_most in [(EVERY, None)] if genres else _where_to_look(pool, reach, allowed, number):
        start = pool.start(reach, some)
        scores = pool.sums(reach, some)
        scores += start
        if genres:
            favourite = pool.columns.mask(MovieFilter(any_genres=tuple(sorted(genres)))).dense()
            scores[favourite] += GENRE_PULL * start.max(initial=0.0) / (1 + history.size)
        is_sure = allowed[some] if others_at_most is None else scores > others_at_most
        order = scores if personalised else pool.spread[some].copy()
        np.copyto(order, -np.inf, where=~is_sure)  # who is ranked has a score still, whatever becomes of the others'
        places, n_free = rank_few_of_each(order, depth, pool.columns.collections[some], MOST_OF_A_COLLECTION)
        if n_free == depth:
            break
    rows, scores = (places if isinstance(some, slice) else some[places]), scores[places]
    if diversity > 0:
        varied = _diversified(pool, rows, scores, diversity, min(n_free, DIVERSIFIED_FILMS))
        rows, scores = rows[varied], scores[varied]
    total = min(number, DEEPEST)
    return _ranking(pool, reach, rows, scores, total=total, sort=sort, personalised=personalised, critic=critic)


def similar(*, movie: Movie, movie_filter: MovieFilter, sort: Sort | None = None) -> Ranking:
    """Films like `movie`: by taste where ratings say so, by content where not, then the popular ones of its genres."""
    pool = current_pool()
    reach = pool.reach(History.liking([movie.tmdb_id]))
    likeness = pool.sums(reach)
    allowed = _allowed(pool, movie_filter, pool.films_of(reach))
    order = np.where(allowed & (likeness > 0), likeness + BASE_AMONG_KIN * pool.base, -np.inf)
    alike = rank(order, DEEPEST)
    allowed &= pool.columns.mask(MovieFilter(any_genres=tuple(sorted(movie.genre_ids)))).dense()
    allowed[alike] = False
    popular = rank(np.where(allowed, pool.base, -np.inf), DEEPEST - len(alike))
    scores = np.concatenate([order[alike], np.zeros(len(popular), np.float32)])
    rows = np.concatenate([alike, popular])
    return _ranking(pool, reach, rows, scores, total=len(rows), sort=sort, personalised=False)


def _allowed(pool: Pool, movie_filter: MovieFilter, left_out: Rows) -> Flags:
    """(n,) which films match and are not among `left_out`, rows or -1."""
    allowed = pool.columns.mask(movie_filter).dense()
    allowed[left_out[left_out >= 0]] = False
    return allowed


def _where_to_look(pool: Pool, reach: Reach, allowed: Flags, number: int) -> Iterator[tuple[Some, float | None]]:
    """The films that are worth looking at, and what no others of the `number` that are allowed score more than, if
    there are others.

    At first, in a large catalogue, those that are linked to the history or stand high anyway. The last ones are all
    that are allowed: those alone where they are few, else the whole catalogue.
    """
    is_large = len(allowed) > LARGE * (len(pool.first) + len(reach.rows))
    if is_large and reach.is_linked and number > len(pool.first):
        is_promising, others_at_most = pool.promising(reach)
        yield np.flatnonzero(is_promising & allowed).astype(np.int32), others_at_most
    yield (np.flatnonzero(allowed).astype(np.int32) if FEW * number < len(allowed) else EVERY), None


def _by_ratings(published: PublishedModel, reach: Reach, item_rows: Rows, gains: Doubles) -> Doubles:
    """(k,) how much of the gains (k, h) of each film speaks from ratings, the rest from content.

    A link is trusted as much as the product of its two ends: so far the fit takes back what content says.
    """
    trust = np.zeros(reach.history.size)
    trust[reach.places] = published.trust[reach.senders]
    by_ratings: Doubles = published.trust[item_rows] * (gains @ trust)
    return by_ratings


def _strongest(gains: Doubles, count: int) -> tuple[Ids, Doubles]:
    """(k, count) the places of the highest gains (k, h) of each film, at most h, and these; of equal ones the first is
    first.

    Found one after the other: a sort of them all takes twice as long.
    """
    left = gains.copy()
    films = np.arange(len(left))
    places = []
    for _ in range(min(count, gains.shape[1])):
        places.append(left.argmax(axis=1))
        left[films, places[-1]] = -1.0
    strongest = np.stack(places, axis=1)
    return strongest, gains[films[:, np.newaxis], strongest]


def _require_films(seeds: tuple[int, ...], pool: Pool) -> None:
    rows = pool.columns.rows_of(np.array(seeds, dtype=np.int64))
    missing = [seed for seed, row in zip(seeds, rows.tolist(), strict=True) if row < 0]
    there = set(Movie.objects.filter(tmdb_id__in=missing).values_list("tmdb_id", flat=True)) if missing else set()
    unknown = [seed for seed in missing if seed not in there]
    if unknown:
        message = f"There is no film {', '.join(map(str, unknown))} to start from."
        raise UnknownSeed(message, fields=(FieldError("seeds", message, UnknownSeed.code),))


def _diversified(pool: Pool, rows: Rows, scores: Floats, diversity: float, number: int) -> Ids:
    """The places of `rows` with the first `number` of them rearranged so that neighbours differ."""
    first = pool.item_rows[rows[:number]]
    similarity = np.zeros((len(first), len(first)))
    known = np.flatnonzero(first >= 0)
    if pool.published is not None:
        similarity[np.ix_(known, known)] = pool.published.model.similarity(first[known])
    places = diversified(scores[: len(first)], similarity, diversity, len(first))
    return np.concatenate([places, np.arange(len(first), len(rows))])


def _ranking(
    pool: Pool,
    reach: Reach,
    rows: Rows,
    scores: Floats,
    *,
    total: int,
    sort: Sort | None,
    personalised: bool,
    critic: Critic | None = None,
) -> Ranking:
    if sort is not None:
        ordered = pool.columns.in_order(rows, sort)
        by_row = np.argsort(rows)
        scores, rows = scores[by_row[np.searchsorted(rows, ordered, sorter=by_row)]], ordered
    return Ranking(
        model_version=None if pool.published is None else pool.published.version,
        personalised=personalised,
        total=total,
        tmdb_ids=pool.columns.tmdb_ids[rows],
        scores=scores,
        _rows=rows,
        _reach=reach,
        _critic=critic,
        _pool=pool,
    )
