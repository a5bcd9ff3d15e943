"""Made-up ratings and facts that look like MovieLens at any size; nobody gave them, and no film is meant.

What is made to fit MovieLens latest-small and MovieLens-25M: how many ratings people and films have, how many people
and films there are to so many ratings, and how the stars are spread. What is invented is taste: a person is a mixture
of circles, in each of which a film has a weight. Circles differ in size and belong to genres, so that some tastes are
broad and some narrow. Taste decides what a person picks and what they think of it, and the facts of a film follow
from its circles, more or less. So a system can be asked here how well it does beside another, not how well for people.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gamma, ndtri

from benchmarks.recommender.data import Dataset
from matinee.engine.arrays import Doubles, Floats, Ids, Rows
from matinee.engine.evaluation.cases import Knowledge
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import HIGHEST_RATING, LOWEST_RATING, Interactions
from matinee.engine.popularity import acclaim

RATINGS_A_PERSON = 156.25
FEWEST_RATINGS = 20
"""Nobody is in MovieLens with fewer."""
USUAL_EXTRA, SPREAD_OF_EXTRA = 51.0, 1.39
"""What a person has beyond that is lognormal: its median, and the deviation of its logarithm."""
MOST_OF_ALL_FILMS = 0.25
"""The share of all films that the most active person has rated."""

TOP_SHARE = 1.3
"""How often everybody would pick the most popular film, did they not mind having seen it: so nearly half have."""
TAIL = 0.36
"""The film of rank x, 0 to 1, is e^(-a x^TAIL) times as popular as the first, which falls ever more steeply; `a`
follows from the rest. At 25 million the median film has 6 ratings, at 100,000 it has 3, as in MovieLens."""

CIRCLES, GENRES = 128, 18
SHARES = (0.6, 0.25, 0.15)
"""How much a film belongs to its own circle, to another of the same genre, and to any other."""
MAINSTREAM = 0.1
"""The share of picks that follow popularity alone."""
PATIENCE = 50
"""So many times a person who draws a film that they know draws another; then they take any film."""
PEOPLE_AT_ONCE = 2_000
YEARS, SITTING = 20, 30 * 86_400
"""A person comes at any time within so many years and rates within so many seconds from then, in an order that says
nothing of their taste."""


Draw = Callable[[Ids], Ids]


@dataclass(frozen=True)
class Size:
    """How much is made up."""

    people: int
    films: int
    ratings: int

    @classmethod
    def of(cls, ratings: int) -> Size:
        """So many ratings by as many people and of as many films as MovieLens would have: 25 million are by 160,000
        people of 60,000 films, 100,000 by 640 of 9,700."""
        return cls(
            people=round(ratings / RATINGS_A_PERSON), films=round(60_000 * (ratings / 25e6) ** 0.33), ratings=ratings
        )


@dataclass(frozen=True)
class _Films:
    """(n,) each, in an order that says nothing of them."""

    popularity: Doubles
    """Their sum is 1."""
    circles: Rows
    """(n, 3), with SHARES."""
    quality: Floats
    """The stars that a stranger would give."""


def synthetic(size: Size, seed: int = 0) -> Dataset:
    """The same size and seed give the same ratings, exactly `size.ratings` of them. Raises ValueError where so many
    are too few or too many for so many people and films.

    25 million take two minutes of one core, and 1.2 GB.
    """
    if not FEWEST_RATINGS * size.people <= size.ratings <= MOST_OF_ALL_FILMS / 2 * size.people * size.films:
        raise ValueError(f"{size.people} people do not rate {size.films} films {size.ratings} times.")
    random = np.random.default_rng(seed)
    genre_of = random.integers(0, GENRES, CIRCLES)
    films = _films(size, genre_of, random)
    facts = _facts(films, genre_of, random)
    activity = random.permutation(_activity(size))
    people, rows = np.empty(size.ratings, np.int32), np.empty(size.ratings, np.int32)
    stars = np.empty(size.ratings, np.float32)
    done = 0
    for first in range(0, size.people, PEOPLE_AT_ONCE):
        counts = activity[first : first + PEOPLE_AT_ONCE]
        some = slice(done, done := done + int(counts.sum()))
        people[some], rows[some], stars[some] = _rated(films, genre_of, counts, np.random.default_rng([seed, first]))
        people[some] += first
    item_ids, item_rows = np.unique(rows, return_inverse=True)
    joined = random.integers(0, YEARS * 365 * 86_400, size.people)
    times = joined[people] + random.integers(0, SITTING, size.ratings)
    ratings = Interactions(people, item_ids.astype(np.int64) + 1, item_rows.astype(np.int32), stars, times)
    return Dataset(f"synthetic {size.ratings:,}", ratings, facts)


def _activity(size: Size) -> Ids:
    """(people,) how many films each has rated, ascending; their sum is `size.ratings`."""
    extra = USUAL_EXTRA * np.exp(SPREAD_OF_EXTRA * ndtri((np.arange(size.people) + 0.5) / size.people))
    room = MOST_OF_ALL_FILMS * size.films - FEWEST_RATINGS
    wanted = size.ratings - FEWEST_RATINGS * size.people
    for _ in range(20):  # what the most active may not have goes to all others
        extra = np.minimum(extra * (wanted / extra.sum()), room)
    so_far = np.round(np.cumsum(extra) * (wanted / extra.sum())).astype(np.int64)
    activity: Ids = FEWEST_RATINGS + np.diff(so_far, prepend=0)
    return activity


def _films(size: Size, genre_of: Ids, random: np.random.Generator) -> _Films:
    falls = (gamma(1 + 1 / TAIL) * size.films * size.people * TOP_SHARE / size.ratings) ** TAIL
    rank = random.permutation(size.films) / size.films
    popularity = np.exp(-falls * rank**TAIL)
    sizes = (1 + np.arange(CIRCLES)) ** -0.7
    own = random.choice(CIRCLES, size.films, p=sizes / sizes.sum())
    order, firsts = np.argsort(genre_of, kind="stable"), np.searchsorted(np.sort(genre_of), np.arange(GENRES + 1))
    low, high = firsts[genre_of[own]], firsts[genre_of[own] + 1]
    kin = order[low + (random.random(size.films) * (high - low)).astype(np.int64)]
    circles = np.stack([own, kin, random.integers(0, CIRCLES, size.films)], axis=1)
    quality = 3.1 + 0.35 * (1 - rank) + random.normal(0, 0.4, size.films)
    return _Films(popularity / popularity.sum(), circles.astype(np.int32), quality.astype(np.float32))


def _rated(films: _Films, genre_of: Ids, counts: Ids, random: np.random.Generator) -> tuple[Rows, Rows, Floats]:
    """(people, films, stars) of len(counts) people, of whom each has rated so many films."""
    by_genre = random.gamma(0.5, 2, (len(counts), GENRES))
    tastes = by_genre[:, genre_of] * random.gamma(0.3, 1 / 0.3, (len(counts), CIRCLES))
    draw, n_films = _picks(films, tastes, random), len(films.popularity)
    keys, missing = np.zeros(0, dtype=np.int64), counts
    for attempt in itertools.count():
        people = np.repeat(np.arange(len(counts)), missing)
        drawn = draw(people) if attempt < PATIENCE else random.integers(0, n_films, len(people))
        keys = np.sort(np.concatenate([keys, people * n_films + drawn]), kind="stable")
        keys = keys[np.diff(keys, prepend=-1) > 0]
        missing = counts - np.bincount(keys // n_films, minlength=len(counts))
        if not missing.any():
            break
    raters, rows = (keys // n_films).astype(np.int32), (keys % n_films).astype(np.int32)
    return raters, rows, _stars(films, tastes, raters, rows, random)


def _picks(films: _Films, tastes: Doubles, random: np.random.Generator) -> Draw:
    """What draws a film for each of `people`: first one of their circles, then a film of it."""
    n_films = len(films.popularity)
    circle = np.append(films.circles.T.ravel(), np.full(n_films, CIRCLES))  # the last circle is the mainstream
    weight = np.append(np.outer(SHARES, films.popularity).ravel(), films.popularity)
    order = np.argsort(circle, kind="stable")
    film_of = np.tile(np.arange(n_films), len(SHARES) + 1)[order]
    sizes = np.bincount(circle, weight, minlength=CIRCLES + 1)
    within = np.cumsum(weight[order]) - (np.cumsum(sizes) - sizes)[circle[order]]
    film_places = circle[order] + within / sizes[circle[order]]
    leanings = tastes * sizes[:CIRCLES]
    leanings *= (1 - MAINSTREAM) / leanings.sum(axis=1, keepdims=True)
    circle_places = (np.cumsum(leanings, axis=1) + np.arange(len(tastes))[:, np.newaxis]).ravel()

    def draw(people: Ids) -> Ids:
        luck = random.random((2, len(people))) * (1 - 2**-30)  # so that no sum is rounded up to the next whole number
        chosen = np.searchsorted(circle_places, people + luck[0], side="right") - people * CIRCLES
        places = np.searchsorted(film_places, chosen + luck[1], side="right")
        drawn: Ids = film_of[np.minimum(places, len(film_of) - 1)]
        return drawn

    return draw


def _stars(films: _Films, tastes: Doubles, people: Rows, rows: Rows, random: np.random.Generator) -> Floats:
    """(r,) from 0.5 to 5: how good the film is, how kind the person, how much it is to their taste, and chance."""
    fit = sum(share * tastes[people, circle] for share, circle in zip(SHARES, films.circles[rows].T, strict=True))
    kindness = random.normal(0, 0.35, len(tastes))
    opinion = films.quality[rows] + kindness[people] + 1.2 * fit / (1 + fit) - 0.5 + random.normal(0, 0.8, len(rows))
    step = np.where(random.random(len(tastes)) < 0.5, 0.5, 1.0)[people]  # half of all people never give half stars
    stars: Floats = np.clip(np.round(opinion / step) * step, np.maximum(LOWEST_RATING, step), HIGHEST_RATING)
    return stars.astype(np.float32)


def _facts(films: _Films, genre_of: Ids, random: np.random.Generator) -> Knowledge:
    """Facts that follow from the circles: a film's own circle has its words, its directors, its actors and its time."""
    n_films = len(films.popularity)
    own = films.circles[:, 0]
    words = [_from_circle(films.circles[:, j % 2], pool=25, faith=0.7, random=random) for j in range(6)]
    cast = [_from_circle(own, pool=max(8, n_films // 800), faith=0.6, random=random) for _ in range(5)]
    directors = _from_circle(own, pool=max(2, n_films // 2_000), faith=0.7, random=random)
    heyday = random.normal(1995, 15, CIRCLES)
    years = np.clip(heyday[own] + random.normal(0, 10, n_films), 1920, 2020).astype(np.int64)
    values = {
        "genres": genre_of[films.circles[:, ::2]].tolist(),
        "keywords": np.stack(words, axis=1).tolist(),
        "directors": directors[:, np.newaxis].tolist(),
        "cast": np.stack(cast, axis=1).tolist(),
    }
    features = ItemFeatures.from_lists(np.arange(1, n_films + 1), values, years.tolist())
    votes = np.round(films.popularity / films.popularity.max() * 30_000 * np.exp(random.normal(0, 0.7, n_films)))
    return Knowledge(features, acclaim(votes, np.clip(2 * films.quality - 0.5 + random.normal(0, 0.4, n_films), 1, 10)))


def _from_circle(circles: Rows, *, pool: int, faith: float, random: np.random.Generator) -> Ids:
    """(n,) one value a film: in a share `faith` of cases of the `pool` values of its circle, else of all values."""
    near = circles.astype(np.int64) * pool + random.integers(0, pool, len(circles))
    return np.where(random.random(len(circles)) < faith, near, random.integers(0, CIRCLES * pool, len(circles)))
