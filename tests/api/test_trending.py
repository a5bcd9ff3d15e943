"""GET movies/trending/"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from matinee.library.models import Favorite
from tests.api.conftest import NOW, Api, MakeMovie
from tests.api.test_movies import CARD, FLAGS

TRENDING = "movies/trending/"


@pytest.fixture
def films(make_movie: MakeMovie) -> None:
    """1 to 30, the higher the more popular; three strangers have just favourited film 1."""
    for number in range(1, 31):
        make_movie(number, genre_ids=[18] if number % 2 else [878])
    for name in ("carol", "dave", "eve"):
        stranger = User.objects.create(email=f"{name}@example.org", username=name, date_joined=NOW)
        Favorite.objects.create(user=stranger, movie=Movie.objects.get(tmdb_id=1), created_at=timezone.now())
    refresh_columns()


def ids(page: dict[str, Any]) -> list[int]:
    return [movie["tmdb_id"] for movie in page["results"]]


def test_what_people_here_act_on_comes_before_what_is_popular(api: Api, films: None) -> None:
    page = api.get(TRENDING).json()

    assert ids(page)[:3] == [1, 30, 29]
    assert (page["total_results"], page["total_pages"]) == (30, 2)
    assert set(page["results"][0]) == CARD  # and no number of people


def test_the_window_is_a_week_or_a_day(api: Api, films: None) -> None:
    assert api.get(f"{TRENDING}?window=week").json()["results"] == api.get(TRENDING).json()["results"]
    assert ids(api.get(f"{TRENDING}?window=day").json())[0] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [("window=month", "window"), ("window=", "window"), ("ids=1", "ids"), ("vote_average.gte=11", "vote_average.gte")],
)
def test_an_impossible_parameter_is_a_400_that_names_it(api: Api, db: None, query: str, field: str) -> None:
    response = api.get(f"{TRENDING}?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_the_one_filter_language_holds_here_too(api: Api, films: None) -> None:
    dramas = api.get(f"{TRENDING}?with_genres=18").json()
    others = api.get(f"{TRENDING}?with_genres=878&sort_by=popularity.asc&page_size=3").json()

    assert (ids(dramas)[:3], dramas["total_results"]) == ([1, 29, 27], 15)
    assert ids(others) == [2, 4, 6]


def test_pages_neither_overlap_nor_skip_and_end_empty(api: Api, films: None) -> None:
    pages = [ids(api.get(f"{TRENDING}?page={page}&page_size=7").json()) for page in range(1, 7)]

    assert [len(page) for page in pages] == [7, 7, 7, 7, 2, 0]
    assert len({tmdb_id for page in pages for tmdb_id in page}) == 30


def test_flags_are_mine_though_the_counts_are_kept_for_everybody(
    api: Api, as_alice: Api, as_bob: Api, films: None
) -> None:
    as_alice.post("movies/favorites/", {"movie_id": 30})

    hers = as_alice.get(TRENDING)
    his = as_bob.get(TRENDING, if_none_match=hers["ETag"])
    anyones = api.get(TRENDING, if_none_match=hers["ETag"])

    assert [answer.status_code for answer in (hers, his, anyones)] == [200, 200, 200]
    assert hers.json()["results"][1]["is_favorite"] is True
    assert his.json()["results"][1]["is_favorite"] is False
    assert not FLAGS & set(anyones.json()["results"][1])
    assert hers["Cache-Control"].startswith("private")
    assert ids(hers.json()) == ids(his.json()) == ids(anyones.json())


def test_one_persons_evening_does_not_show(api: Api, as_alice: Api, as_bob: Api, films: None) -> None:
    for person in (as_alice, as_bob):
        person.post("movies/watchlist/", {"movie_id": 5})
        person.post("movies/5/rate/", {"rating": 5})

    assert ids(api.get(TRENDING).json()) == [1, *range(30, 11, -1)]


@pytest.mark.parametrize("size", [1, 30])
def test_a_page_costs_the_same_queries_however_long(
    api: Api, as_alice: Api, films: None, size: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):  # the counts, films, genres' names
        api.get(f"{TRENDING}?page_size={size}")
    with django_assert_num_queries(2):
        api.get(f"{TRENDING}?page_size={size}")
    with django_assert_num_queries(4):  # who asks, and my flags, too
        page = as_alice.get(f"{TRENDING}?page_size={size}").json()

    assert len(page["results"]) == size
