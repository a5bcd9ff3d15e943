"""GET movies/"""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from matinee.library.models import Favorite, MovieRating, Watchlist
from tests.api.conftest import NOW, Answer, Api, MakeMovie

CARD = {
    "id", "tmdb_id", "imdb_id", "title", "overview", "tagline", "release_date", "runtime", "genre_ids", "genres",
    "original_language", "media_type", "vote_average", "vote_count", "popularity", "poster_path", "poster_url",
    "backdrop_path", "backdrop_url",
}  # fmt: skip
FLAGS = {"is_favorite", "in_watchlist", "user_rating"}


def titles(response: Answer) -> list[str]:
    return [movie["title"] for movie in response.json()["results"]]


def test_the_most_popular_come_first_as_whole_cards(api: Api, make_movie: MakeMovie) -> None:
    make_movie(1, "Quiet", popularity=1.0)
    make_movie(2, "Loud", popularity=9.0, poster_path="/p.jpg", backdrop_path="/b.jpg")

    page = api.get("movies/").json()

    assert [movie["title"] for movie in page["results"]] == ["Loud", "Quiet"]
    assert {key: page[key] for key in ("page", "page_size", "total_pages", "total_results", "next", "previous")} == {
        "page": 1, "page_size": 20, "total_pages": 1, "total_results": 2, "next": None, "previous": None,
    }  # fmt: skip
    loud = page["results"][0]
    assert set(loud) == CARD
    assert loud["genres"] == ["Action", "Science Fiction"]
    assert loud["release_date"] == "1999-03-30"
    assert loud["poster_url"] == "https://image.tmdb.org/t/p/w500/p.jpg"
    assert loud["backdrop_url"] == "https://image.tmdb.org/t/p/w1280/b.jpg"


def test_flags_are_mine_and_nobody_elses(
    api: Api, as_alice: Api, as_bob: Api, alice: User, make_movie: MakeMovie
) -> None:
    movie = make_movie(603)
    Favorite.objects.create(user=alice, movie=movie, created_at=NOW)
    Watchlist.objects.create(user=alice, movie=movie, created_at=NOW)
    MovieRating.objects.create(user=alice, movie=movie, rating=4, created_at=NOW, updated_at=NOW)

    mine = as_alice.get("movies/").json()["results"][0]
    his = as_bob.get("movies/").json()["results"][0]
    anyones = api.get("movies/").json()["results"][0]

    assert (mine["is_favorite"], mine["in_watchlist"], mine["user_rating"]) == (True, True, 4)
    assert (his["is_favorite"], his["in_watchlist"], his["user_rating"]) == (False, False, None)
    assert set(anyones) == CARD


def test_unknown_facts_are_null_and_sort_last_both_ways(api: Api, make_movie: MakeMovie) -> None:
    make_movie(1, "Poor", revenue=1)
    make_movie(2, "Rich", revenue=2_000_000_000)
    make_movie(3, "Unknown", revenue=None, runtime=None, vote_average=None, release_date=None, overview=None)

    assert titles(api.get("movies/?sort_by=revenue.desc")) == ["Rich", "Poor", "Unknown"]
    assert titles(api.get("movies/?sort_by=revenue.asc")) == ["Poor", "Rich", "Unknown"]
    unknown = api.get("movies/?ids=3").json()["results"][0]
    assert unknown["runtime"] is unknown["vote_average"] is unknown["release_date"] is unknown["overview"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("with_genres=28,878", {"Matrix"}),
        ("with_genres=28|18", {"Matrix", "Amelie"}),
        ("without_genres=28", {"Amelie", "Blank"}),
        ("primary_release_year=2001", {"Amelie"}),
        ("primary_release_date.gte=1999-03-30&primary_release_date.lte=1999-12-31", {"Matrix"}),
        ("vote_average.gte=8", {"Matrix"}),
        ("vote_average.lte=7.9", {"Amelie"}),
        ("vote_count.gte=20000", {"Matrix"}),
        ("with_runtime.gte=100&with_runtime.lte=130", {"Amelie"}),
        ("with_original_language=fr", {"Amelie"}),
        ("ids=194,603,999", {"Matrix", "Amelie"}),
        ("imdb_id=tt0133093", {"Matrix"}),
        ("with_genres=12345", set()),
    ],
)
def test_a_filter_keeps_what_it_says(api: Api, make_movie: MakeMovie, query: str, expected: set[str]) -> None:
    make_movie(603, "Matrix", imdb_id="tt0133093")
    make_movie(
        194, "Amelie", genre_ids=[18, 35], release_date=dt.date(2001, 4, 25), vote_average=7.9, vote_count=11_000,
        runtime=122, original_language="fr",
    )  # fmt: skip
    make_movie(
        1, "Blank", genre_ids=[], release_date=None, vote_average=None, vote_count=None, runtime=None,
        original_language=None,
    )  # fmt: skip

    response = api.get(f"movies/?{query}")

    assert set(titles(response)) == expected
    assert response.json()["total_results"] == len(expected)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("with_genres=28,12|18", "with_genres"),
        ("with_genres=action", "with_genres"),
        ("with_genres=", "with_genres"),
        ("primary_release_year=soon", "primary_release_year"),
        ("primary_release_date.gte=2001-02-30", "primary_release_date.gte"),
        ("vote_average.gte=nan", "vote_average.gte"),
        ("vote_average.gte=11", "vote_average.gte"),
        ("vote_count.gte=-1", "vote_count.gte"),
        ("with_runtime.gte=1.5", "with_runtime.gte"),
        ("sort_by=magic.desc", "sort_by"),
        ("ids=" + ",".join(map(str, range(1, 102))), "ids"),
        ("imdb_id=603", "imdb_id"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=one", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page=501", "page"),
        ("with_genre=28", "with_genre"),
        ("page=1&page=2", "page"),
        ("page=99999999999999999999", "page"),
        ("with_original_language=%00", "with_original_language"),
    ],
)
def test_an_impossible_query_is_a_400_that_names_the_parameter(api: Api, query: str, field: str) -> None:
    response = api.get(f"movies/?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_past_the_last_page_there_is_nothing_and_the_links_lead_back(api: Api, make_movie: MakeMovie) -> None:
    for tmdb_id in range(1, 6):
        make_movie(tmdb_id)

    second = api.get("movies/?page=2&page_size=2&vote_average.gte=1").json()
    beyond = api.get("movies/?page=9&page_size=2").json()

    assert second["next"] == "http://testserver/api/v1/movies/?page=3&page_size=2&vote_average.gte=1"
    assert second["previous"] == "http://testserver/api/v1/movies/?page=1&page_size=2&vote_average.gte=1"
    assert beyond["results"] == []
    assert (beyond["total_pages"], beyond["total_results"], beyond["next"]) == (3, 5, None)
    assert beyond["previous"] == "http://testserver/api/v1/movies/?page=3&page_size=2"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, 7),
    sort=st.sampled_from(
        ["popularity.desc", "title.asc", "vote_average.asc", "revenue.desc", "primary_release_date.asc"]
    ),
)
def test_pages_neither_overlap_nor_skip(thirty_alike: int, size: int, sort: str) -> None:
    api, seen, page = Api(), [], 1
    while True:
        body = api.get(f"movies/?page={page}&page_size={size}&sort_by={sort}").json()
        if not body["results"]:
            break
        seen += [movie["tmdb_id"] for movie in body["results"]]
        page += 1

    assert sorted(seen) == list(range(1, thirty_alike + 1))
    assert body["total_results"] == thirty_alike
    assert body["total_pages"] == page - 1


@pytest.fixture
def thirty_alike(make_movie: MakeMovie) -> int:
    """Films that tie in everything but their id."""
    for tmdb_id in range(1, 31):
        make_movie(tmdb_id, "Same", popularity=1.0, revenue=None if tmdb_id % 3 else 5)
    return 30


@pytest.mark.parametrize("number", [1, 100])
def test_a_page_costs_the_same_queries_however_long(
    api: Api, as_alice: Api, make_movie: MakeMovie, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for tmdb_id in range(1, number + 1):
        make_movie(tmdb_id)
    refresh_columns()
    refresh_cards()

    with django_assert_num_queries(LIST_QUERIES):
        page = as_alice.get("movies/?page_size=100").json()
    with django_assert_num_queries(1):
        api.get("movies/?page_size=100")

    assert len(page["results"]) == number


LIST_QUERIES = 2  # who asks and how the cards stand, my flags


def test_a_deleted_film_is_gone_and_a_new_one_is_there(api: Api, make_movie: MakeMovie) -> None:
    make_movie(1)
    make_movie(2)
    api.get("movies/")

    Movie.objects.get(tmdb_id=1).delete()
    make_movie(3)

    assert titles(api.get("movies/?sort_by=title.asc")) == ["Film 2", "Film 3"]


@pytest.mark.parametrize("value", ["1_0", "%2B1", "%201", "1%20", "1.0", "1e0", "0x1", "%D9%A1", "", "%00", "%FF"])
@pytest.mark.parametrize("name", ["page", "page_size"])
def test_a_page_is_told_in_digits_alone(api: Api, name: str, value: str) -> None:
    response = api.get(f"movies/?{name}={value}")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert [error["field"] for error in response.json()["errors"]] == [name]
