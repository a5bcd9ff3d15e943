"""movies/favorites/, movies/watchlist/ and movies/recommendations/dismissed/: three lists that keep one promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.cards import refresh_cards
from matinee.catalog.models import Movie
from matinee.library.models import Dismissal, Favorite, Watchlist
from tests.api.conftest import Api, MakeMovie

LISTS: dict[str, type[Favorite] | type[Watchlist]] = {"movies/favorites/": Favorite, "movies/watchlist/": Watchlist}
LIST_QUERIES = 4  # who asks and how the cards stand, the entries, how many, my flags


@pytest.mark.parametrize("path", LISTS)
def test_a_film_is_put_on_once_and_taken_off(as_alice: Api, make_movie: MakeMovie, path: str) -> None:
    make_movie(603, "The Matrix")

    first = as_alice.post(path, {"movie_id": 603})
    again = as_alice.post(path, {"tmdb_id": 603})
    listed = as_alice.get(path).json()
    gone = as_alice.delete(f"{path}603/")
    gone_again = as_alice.delete(f"{path}603/")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == listed["results"][0]
    assert (listed["total_results"], listed["results"][0]["title"]) == (1, "The Matrix")
    assert (gone.status_code, gone_again.status_code, gone.content) == (204, 204, b"")
    assert as_alice.get(path).json()["results"] == []


@pytest.mark.parametrize("path", LISTS)
def test_the_newest_come_first_and_are_mine_alone(as_alice: Api, as_bob: Api, make_movie: MakeMovie, path: str) -> None:
    for tmdb_id in (1, 2, 3):
        make_movie(tmdb_id)
        as_alice.post(path, {"movie_id": tmdb_id})

    assert [entry["tmdb_id"] for entry in as_alice.get(path).json()["results"]] == [3, 2, 1]
    assert as_bob.get(path).json()["results"] == []
    assert as_bob.delete(f"{path}3/").status_code == 204
    assert as_alice.get(path).json()["total_results"] == 3


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "movie_id"),
        ({"movie_id": "603"}, 422, "movie_id"),
        ({"movie_id": True}, 422, "movie_id"),
        ({"movie_id": 3.5}, 422, "movie_id"),
        ({"movie_id": 0}, 422, "movie_id"),
        ({"movie_id": 2**63}, 422, "movie_id"),
        ({"movie_id": 603, "user": 2}, 422, "user"),
        ({"movie_id": 603, "tmdb_id": 604}, 400, "movie_id"),
    ],
)
def test_a_body_that_names_no_film_is_refused_by_field(
    as_alice: Api, make_movie: MakeMovie, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    make_movie(603)

    response = as_alice.post(path, body)

    assert response.status_code == status
    assert field in {error["field"] for error in response.json()["errors"]}
    assert LISTS[path].objects.count() == 0


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_film_is_a_404_and_leaves_no_row(as_alice: Api, path: str) -> None:
    assert as_alice.post(path, {"movie_id": 603}).status_code == 404
    assert as_alice.delete(f"{path}603/").status_code == 204
    assert as_alice.delete(f"{path}{2**64}/").status_code == 204
    assert Movie.objects.count() == LISTS[path].objects.count() == 0


@pytest.mark.parametrize("path", [*LISTS, "movies/recommendations/dismissed/"])
def test_signed_out_there_is_nothing(api: Api, path: str) -> None:
    response = api.get(path)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("number", [1, 100])
def test_a_page_costs_the_same_queries_however_long(
    as_alice: Api,
    alice: User,
    make_movie: MakeMovie,
    path: str,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for tmdb_id in range(1, number + 1):
        LISTS[path].objects.create(user=alice, movie=make_movie(tmdb_id), created_at="2026-01-01T00:00:00Z")
    refresh_cards()

    with django_assert_num_queries(LIST_QUERIES):
        page = as_alice.get(f"{path}?page_size=100").json()

    assert len(page["results"]) == number


@pytest.mark.parametrize("path", LISTS)
def test_a_write_reads_nothing_that_a_constraint_knows(
    as_alice: Api, make_movie: MakeMovie, path: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_movie(603)
    refresh_cards()

    with django_assert_num_queries(7):  # who asks, the film, the entry and its event in a savepoint, my flags
        as_alice.post(path, {"movie_id": 603})
    with django_assert_num_queries(7):  # no event, but since when it has been there
        as_alice.post(path, {"movie_id": 603})
    with django_assert_num_queries(5):
        as_alice.delete(f"{path}603/")


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_row_and_one_201(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    def favour(_: int) -> int:
        try:
            return Api(as_alice.token).post("movies/favorites/", {"movie_id": 603}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(favour, range(16)))

    assert statuses == [200] * 15 + [201]
    assert Favorite.objects.count() == 1


def test_a_dismissed_film_is_listed_until_the_dismissal_is_undone(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    dismissed = as_alice.put("movies/recommendations/603/dismiss/")
    again = as_alice.put("movies/recommendations/603/dismiss/")
    listed = as_alice.get("movies/recommendations/dismissed/").json()["results"]
    undone = as_alice.delete("movies/recommendations/603/dismiss/")

    assert (dismissed.status_code, again.status_code, undone.status_code) == (204, 204, 204)
    assert [entry["tmdb_id"] for entry in listed] == [603]
    assert Dismissal.objects.count() == 0
    assert as_alice.put("movies/recommendations/604/dismiss/").status_code == 404
