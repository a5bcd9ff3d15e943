"""The cast, and a small cinema of three kinds of films whose kinship a reader can see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from matinee.accounts.models import User, UserProfile
from matinee.catalog.filters import EVERYTHING
from matinee.catalog.models import Movie
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from matinee.recommendations.serving import Ranking, recommend
from matinee.recommendations.training import train

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

SPACE, ROMANCE, WESTERN = 878, 10749, 37
SPACE_FILMS = tuple(range(101, 141))
ROMANCES = tuple(range(201, 241))
WESTERNS = tuple(range(301, 311))
"""Nobody has ever rated one."""
ALL_FILMS = (*SPACE_FILMS, *ROMANCES, *WESTERNS)


def make_person(name: str, *, favorite_genres: list[int] | None = None, **facts: Any) -> User:
    person = User.objects.create(email=f"{name}@example.org", username=name, date_joined=NOW, **facts)
    UserProfile.objects.create(user=person, favorite_genres=favorite_genres or [], created_at=NOW, updated_at=NOW)
    return person


def make_movie(tmdb_id: int, **facts: Any) -> Movie:
    facts.setdefault("title", f"Film {tmdb_id}")
    return Movie.objects.create(tmdb_id=tmdb_id, created_at=NOW, updated_at=NOW, **facts)


def film(tmdb_id: int) -> Movie:
    return Movie.objects.get(tmdb_id=tmdb_id)


def rate(person: User, stars_of_films: Mapping[int, int]) -> None:
    films = Movie.objects.in_bulk(stars_of_films, field_name="tmdb_id")
    MovieRating.objects.bulk_create(
        MovieRating(user=person, movie=films[tmdb_id], rating=stars, created_at=NOW, updated_at=NOW)
        for tmdb_id, stars in stars_of_films.items()
    )


def favor(person: User, tmdb_id: int) -> None:
    Favorite.objects.create(user=person, movie=film(tmdb_id), created_at=NOW)


def put_on_watchlist(person: User, tmdb_id: int) -> None:
    Watchlist.objects.create(user=person, movie=film(tmdb_id), created_at=NOW)


def dismiss(person: User, tmdb_id: int) -> None:
    Dismissal.objects.create(user=person, movie=film(tmdb_id), created_at=NOW)


def recommended(person: User, **options: Any) -> Ranking:
    return recommend(user=person, movie_filter=options.pop("movie_filter", EVERYTHING), **options)


def ids(ranking: Ranking) -> list[int]:
    return [int(tmdb_id) for tmdb_id in ranking.tmdb_ids]


@pytest.fixture
def alice(db: None) -> User:
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_person("bob")


@pytest.fixture
def cinema(db: None) -> None:
    """Films of three genres, those of lower id with more votes, a decade each for every ten of them."""
    kinds = ((SPACE, SPACE_FILMS, "stars"), (ROMANCE, ROMANCES, "kiss"), (WESTERN, WESTERNS, "horse"))
    Movie.objects.bulk_create(
        Movie(
            tmdb_id=tmdb_id,
            title=f"Film {tmdb_id}",
            genre_ids=[genre],
            keywords=[keyword],
            vote_count=2_000 - 10 * place,
            vote_average=7.0,
            popularity=float(tmdb_id),
            release_date=dt.date(2020 - place // 10 * 10, 6, 1),
            created_at=NOW,
            updated_at=NOW,
        )
        for genre, films, keyword in kinds
        for place, tmdb_id in enumerate(films)
    )


@pytest.fixture
def fans(cinema: None) -> None:
    """Sixty people, of whom each loves a third of one genre and has seen a few films of the other without joy."""
    people = User.objects.bulk_create(
        User(
            email=f"fan{n}@example.org",
            email_key=f"fan{n}",
            username=f"fan{n}",
            username_key=f"fan{n}",
            date_joined=NOW,
        )
        for n in range(60)
    )
    films = Movie.objects.in_bulk(field_name="tmdb_id")
    opinions = [
        (person, tmdb_id, stars)
        for number, person in enumerate(people)
        for loved, endured in [(SPACE_FILMS, ROMANCES) if number % 2 else (ROMANCES, SPACE_FILMS)]
        for seen, stars in [(loved[number % 3 :: 3], 5), (endured[number % 8 :: 10], 2)]
        for tmdb_id in seen
    ]
    MovieRating.objects.bulk_create(
        MovieRating(user=person, movie=films[tmdb_id], rating=stars, created_at=NOW, updated_at=NOW)
        for person, tmdb_id, stars in opinions
    )


@pytest.fixture
def model(fans: None) -> str:
    """The version of a model that the fans have trained."""
    return train(now=NOW).version
