"""A made-up instance with 60,000 films, a model that is trained on them, and people who ask.

It is the product's own database, columns and artifacts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.recommender.progress import Tell
from benchmarks.recommender.serving.questions import ANYTHING, ONE_DECADE, ONE_GENRE, QUESTIONS, History, Questions
from benchmarks.recommender.synthetic import Size, synthetic
from matinee.accounts.models import User
from matinee.catalog.columns import columns, refresh_columns
from matinee.catalog.filters import MovieFilter
from matinee.catalog.models import Collection, Movie
from matinee.engine.config import EngineConfig
from matinee.engine.evaluation.cases import Knowledge
from matinee.engine.fitting import fit
from matinee.engine.interactions import Interactions
from matinee.library.models import MovieRating
from matinee.recommendations.freshness import LAYOUT, model_store

SIZE = Size(people=12_800, films=60_000, ratings=2_000_000)
GENRE = 5
FILTERS = {
    ANYTHING: MovieFilter(),
    ONE_GENRE: MovieFilter(all_genres=(GENRE,)),
    ONE_DECADE: MovieFilter(released_from=dt.date(1990, 1, 1), released_to=dt.date(1999, 12, 31)),
}
ITEMS_AT_ONCE = 4_000
"""Fewer than by default, to be ready sooner: every item has as many links, and their worth is not measured here."""
FILMS_A_COLLECTION, OF_A_COLLECTION = 60, 12
"""Of so many films in a row every twelfth is in one collection: five films, which are about as popular."""
HISTORIES = 40
"""So many people of each length ask, in turn."""
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def username(length: int, number: int) -> str:
    return f"{length}-{number}"


def prepare(folder: Path, tell: Tell) -> None:
    """Fill the database and the artifacts that Django's settings name, and write the questions to `folder`."""
    tell("Making up ratings")
    dataset = synthetic(SIZE)
    assert dataset.facts is not None
    tell("Filling the database")
    collections = range(1, SIZE.films // FILMS_A_COLLECTION + 2)
    Collection.objects.bulk_create(Collection(id=number, name=f"Series {number}") for number in collections)
    Movie.objects.bulk_create(_movies(dataset.facts), batch_size=2_000)
    refresh_columns()
    questions = Questions(
        train=_stars(dataset.ratings),
        histories={length: _histories(dataset.ratings, length) for length, _ in QUESTIONS},
        allowed={name: columns().mask(wanted).dense() for name, wanted in FILTERS.items()},
    )
    for length, histories in questions.histories.items():
        for number, history in enumerate(histories):
            _add_person(username(length, number), history)
    tell("Training")
    config = EngineConfig(at_once=ITEMS_AT_ONCE)
    model = fit(dataset.ratings, dataset.facts.features, dataset.facts.popularity_prior, config)
    model_store().publish(model.arrays(), {"layout": LAYOUT, "config": asdict(config)})
    questions.write(folder)


def _movies(facts: Knowledge) -> Iterator[Movie]:
    """Their genres and votes are those of the made-up facts, their years follow nothing."""
    genres, years = facts.features.fields["genres"], np.random.default_rng(0).integers(1930, 2021, SIZE.films)
    votes = np.round(facts.popularity_prior * 10_000)
    for row, tmdb_id in enumerate(facts.features.item_ids.tolist()):
        yield Movie(
            tmdb_id=tmdb_id,
            title=f"Made-up film {tmdb_id}",
            genre_ids=(genres.indices[genres.indptr[row] : genres.indptr[row + 1]] + 1).tolist(),
            release_date=dt.date(int(years[row]), 1, 1),
            vote_count=int(votes[row]),
            vote_average=7.0,
            collection_id=None if row % OF_A_COLLECTION else row // FILMS_A_COLLECTION + 1,
            created_at=NOW,
            updated_at=NOW,
        )


def _stars(ratings: Interactions) -> sparse.csr_matrix:
    cells = (ratings.user_rows, ratings.item_ids[ratings.item_rows] - 1)
    return sparse.csr_matrix((ratings.ratings, cells), shape=(SIZE.people, SIZE.films))


def _histories(ratings: Interactions, length: int) -> list[History]:
    """Of the first people who have rated so many films, so many of theirs by lot, half stars rounded up."""
    random = np.random.default_rng(length)
    counts = np.bincount(ratings.user_rows)
    histories = []
    for person in np.flatnonzero(counts >= length)[:HISTORIES].tolist():
        theirs = np.sort(random.choice(np.flatnonzero(ratings.user_rows == person), length, replace=False))
        films = (ratings.item_ids[ratings.item_rows[theirs]] - 1).astype(np.int32)
        histories.append(History(films, np.ceil(ratings.ratings[theirs]).astype(np.float32)))
    return histories


def _add_person(name: str, history: History) -> None:
    person = User.objects.create(username=name, email=f"{name}@example.org", date_joined=NOW)
    pks = dict(Movie.objects.filter(tmdb_id__in=(history.films + 1).tolist()).values_list("tmdb_id", "pk"))
    MovieRating.objects.bulk_create(
        MovieRating(user=person, movie_id=pks[film + 1], rating=int(stars), created_at=NOW, updated_at=NOW)
        for film, stars in zip(history.films.tolist(), history.stars.tolist(), strict=True)
    )
