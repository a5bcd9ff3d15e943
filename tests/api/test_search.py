"""GET movies/search/"""

from __future__ import annotations

import datetime as dt
import sys
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from matinee.library.models import Favorite
from matinee.search.index import refresh_index
from tests.api.conftest import NOW, Answer, Api, MakeMovie
from tests.api.test_movies import CARD, LIST_QUERIES


def titles(response: Answer) -> list[str]:
    return [movie["title"] for movie in response.json()["results"]]


def take_in() -> None:
    refresh_columns()
    refresh_index()
    refresh_cards()


def test_films_are_found_as_whole_cards_the_best_match_first(api: Api, make_movie: MakeMovie) -> None:
    make_movie(1, "Alien")
    make_movie(2, "Aliens")
    make_movie(3, "Paul", keywords=["alien"])
    make_movie(4, "Heat")
    take_in()

    page = api.get("movies/search/?q=alien").json()

    assert [movie["title"] for movie in page["results"]] == ["Alien", "Aliens", "Paul"]
    assert (page["total_results"], page["total_pages"], page["next"]) == (3, 1, None)
    assert [movie["matched"] for movie in page["results"]] == [["title"], ["title"], ["keyword"]]
    assert set(page["results"][0]) == CARD | {"matched"}


def test_typos_are_forgiven(api: Api, make_movie: MakeMovie) -> None:
    make_movie(1, "The Godfather")
    take_in()

    assert titles(api.get("movies/search/?q=godfahter")) == ["The Godfather"]


def test_flags_are_mine_alone(as_alice: Api, as_bob: Api, alice: User, make_movie: MakeMovie) -> None:
    Favorite.objects.create(user=alice, movie=make_movie(1, "Heat"), created_at=NOW)
    take_in()

    assert as_alice.get("movies/search/?q=heat").json()["results"][0]["is_favorite"] is True
    assert as_bob.get("movies/search/?q=heat").json()["results"][0]["is_favorite"] is False


def test_filters_and_orders_are_those_of_every_list(api: Api, make_movie: MakeMovie) -> None:
    make_movie(1, "Dune", release_date=dt.date(1984, 12, 14), genre_ids=[878])
    make_movie(2, "Dune", release_date=dt.date(2021, 9, 15), genre_ids=[12])
    make_movie(3, "Dune: Part Two", release_date=dt.date(2024, 2, 27), genre_ids=[12])
    take_in()

    by_genre = api.get("movies/search/?q=dune&with_genres=12").json()
    oldest = api.get("movies/search/?q=dune&sort_by=primary_release_date.asc").json()
    of_year = api.get("movies/search/?q=dune&primary_release_year=1984").json()

    assert [movie["tmdb_id"] for movie in by_genre["results"]] == [2, 3]
    assert by_genre["total_results"] == 2
    assert [movie["tmdb_id"] for movie in oldest["results"]] == [1, 2, 3]
    assert [movie["tmdb_id"] for movie in of_year["results"]] == [1]


def test_pages_neither_overlap_nor_skip(api: Api, make_movie: MakeMovie) -> None:
    for tmdb_id in range(1, 24):
        make_movie(tmdb_id, "Same", popularity=1.0)
    take_in()

    pages = [api.get(f"movies/search/?q=same&page={page}&page_size=5").json() for page in range(1, 7)]

    seen = [movie["tmdb_id"] for page in pages for movie in page["results"]]
    assert seen == list(range(1, 24))
    assert {page["total_results"] for page in pages} == {23}
    assert pages[-1]["results"] == []


@pytest.mark.parametrize("number", [1, 100])
def test_a_page_costs_the_same_queries_however_long(
    as_alice: Api, make_movie: MakeMovie, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for tmdb_id in range(1, number + 1):
        make_movie(tmdb_id)
    take_in()

    with django_assert_num_queries(LIST_QUERIES):
        page = as_alice.get("movies/search/?q=film&page_size=100&vote_count.gte=1").json()

    assert len(page["results"]) == number


def test_a_film_that_is_gone_is_left_out_of_its_page(api: Api, make_movie: MakeMovie) -> None:
    make_movie(1, "Heat")
    make_movie(2, "Heathers")
    take_in()

    Movie.objects.filter(tmdb_id=1).delete()

    assert titles(api.get("movies/search/?q=heat")) == ["Heathers"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=" + "x" * 10_000, "q"),
        ("q=" + "+".join(["a"] * 90), "q"),
        ("q=" + "+".join(["heat"] * 500), "q"),
        ("q=heat&q=ran", "q"),
        ("q=heat&ids=1", "ids"),
        ("q=heat&query=ran", "query"),
        ("q=heat&with_genres=28,12|18", "with_genres"),
        ("q=heat&page=501", "page"),
        ("q=heat&sort_by=relevance.desc", "sort_by"),
    ],
)
def test_an_impossible_query_is_a_400_that_names_the_parameter(api: Api, query: str, field: str) -> None:
    response = api.get(f"movies/search/?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


HOSTILE = (
    "title:heat OR key:*", "he*t", "h?at", "+heat -ran", "(heat", 'heat"', '""', "[a TO z]", "heat~9", "heat^99",
    "/.*/", "\\", "tmdb_id:[1 TO *]", "*", "AND OR NOT", "\x00", "\x00heat", "\ud7a3" * 200, "\U0001f3ac" * 200,
    "a" * 200, "\u0301" * 200, "\u202eheat", "\uffff", "\U0010ffff", "%", "_", "' OR 1=1 --", "\ufdfa" * 11, "9" * 200,
    "tt" + "9" * 150, "七" * 200, "\u0e01" * 200, " ".join(["rrrrrrrr"] * 22), "1999 " * 40, '"a" ' * 40,
    "heat 1999 1999",
)  # fmt: skip


@pytest.mark.parametrize("path", ["search", "suggest"])
@pytest.mark.parametrize("indexed", [True, False], ids=["with an index", "without"])
def test_hostile_queries_are_only_words(api: Api, make_movie: MakeMovie, path: str, *, indexed: bool) -> None:
    make_movie(1, "Heat")
    if indexed:
        take_in()

    for text in HOSTILE:
        response = api.get(f"movies/{path}/?q={quote(text)}")

        assert response.status_code in {200, 400}, text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(max_codepoint=sys.maxunicode, exclude_categories=["Cs"]), min_size=1, max_size=230),
    path=st.sampled_from(["search", "suggest"]),
)
@example(text="\x00", path="search")
def test_no_text_of_any_plane_is_too_much(one_film: Api, text: str, path: str) -> None:
    assert one_film.get(f"movies/{path}/?q={quote(text)}").status_code in {200, 400}


@pytest.fixture
def one_film(api: Api, make_movie: MakeMovie) -> Api:
    make_movie(1, "Heat")
    take_in()
    return api


@pytest.mark.parametrize("raw", ["%FF%FE", "%ED%A0%80", "%C0%80", "%F5%80%80%80"])
def test_bytes_that_are_no_text_find_nothing(one_film: Api, raw: str) -> None:
    assert titles(one_film.get(f"movies/search/?q={raw}")) == []
