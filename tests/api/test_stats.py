"""GET users/stats/: what my films say of me together."""

from __future__ import annotations

import datetime as dt

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.models import Genre
from tests.api.conftest import Api, MakeMovie

STATS = "users/stats/"


@pytest.fixture
def films(make_movie: MakeMovie) -> None:
    for id_, name in ((18, "Drama"), (28, "Action")):
        Genre.objects.update_or_create(id=id_, defaults={"name": name})
    make_movie(1, genre_ids=[18], release_date=dt.date(1994, 9, 23))
    make_movie(2, genre_ids=[18, 28], release_date=dt.date(1999, 3, 30))
    make_movie(3, genre_ids=[28], release_date=dt.date(2003, 5, 15))
    make_movie(4, genre_ids=[18], release_date=None)


def test_it_counts_what_i_did_and_says_what_i_like_by_that(as_alice: Api, as_bob: Api, films: None) -> None:
    as_bob.post("movies/3/rate/", {"rating": 1, "review": "Not for me."})
    as_bob.post("movies/favorites/", {"movie_id": 3})
    as_alice.post("movies/1/rate/", {"rating": 5, "review": "Still a marvel.", "review_private": True})
    as_alice.post("movies/2/rate/", {"rating": 4})
    as_alice.post("movies/3/rate/", {"rating": 2})
    as_alice.post("movies/favorites/", {"movie_id": 2})
    as_alice.post("movies/favorites/", {"movie_id": 4})
    as_alice.post("movies/watchlist/", {"movie_id": 4})
    as_alice.put("movies/recommendations/3/dismiss/")

    told = as_alice.get(STATS).json()

    assert told == {
        "favorites": 2,
        "watchlist": 1,
        "ratings": 3,
        "reviews": 1,
        "dismissed": 1,
        "average_rating": 3.67,
        "rating_distribution": {"1": 0, "2": 1, "3": 0, "4": 1, "5": 1},
        "favorite_genres": [{"id": 18, "name": "Drama", "films": 3}, {"id": 28, "name": "Action", "films": 1}],
        "favorite_decades": [{"decade": 1990, "films": 2}],
    }


def test_who_has_done_nothing_has_no_average(as_alice: Api) -> None:
    told = as_alice.get(STATS).json()

    assert (told["ratings"], told["average_rating"], told["favorite_genres"]) == (0, None, [])


def test_what_is_typed_in_the_profile_is_not_what_i_do(as_alice: Api, films: None) -> None:
    as_alice.patch("users/profile/", {"favorite_genres": [28]})
    as_alice.post("movies/1/rate/", {"rating": 5})

    assert [genre["id"] for genre in as_alice.get(STATS).json()["favorite_genres"]] == [18]
    assert as_alice.get("users/profile/").json()["favorite_genres"] == [28]


@pytest.mark.parametrize("number", [1, 20])
def test_it_costs_seven_queries_however_much_i_did(
    as_alice: Api, make_movie: MakeMovie, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for tmdb_id in range(1, number + 1):
        make_movie(tmdb_id)
        as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": 5})

    with django_assert_num_queries(7):  # who asks, favourites, ratings, three counts, the names of genres
        told = as_alice.get(STATS).json()

    assert told["ratings"] == number


def test_it_is_mine_alone(api: Api, as_alice: Api) -> None:
    assert api.get(STATS).status_code == 401
    assert as_alice.get(STATS)["Cache-Control"] == "private, no-cache"
