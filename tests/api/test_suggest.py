"""GET movies/suggest/"""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.search.index import refresh_index
from tests.api.conftest import Api, MakeMovie


def test_titles_are_completed_with_year_and_poster(api: Api, make_movie: MakeMovie) -> None:
    movie = make_movie(603, "The Matrix", poster_path="/p.jpg")
    make_movie(1, "Heat")
    refresh_index()

    answer = api.get("movies/suggest/?q=the+matr").json()

    assert answer == {
        "results": [
            {
                "id": movie.pk,
                "tmdb_id": 603,
                "title": "The Matrix",
                "year": 1999,
                "poster_url": "https://image.tmdb.org/t/p/w500/p.jpg",
            }
        ]
    }


def test_what_is_unknown_is_null(api: Api, make_movie: MakeMovie) -> None:
    make_movie(603, "The Matrix", release_date=None)
    refresh_index()

    (suggestion,) = api.get("movies/suggest/?q=mtarix").json()["results"]

    assert suggestion["year"] is suggestion["poster_url"] is None


def test_ten_at_most_the_popular_first(api: Api, make_movie: MakeMovie) -> None:
    for tmdb_id in range(1, 15):
        make_movie(tmdb_id, f"Alien {tmdb_id:02}")
    refresh_index()

    results = api.get("movies/suggest/?q=ali").json()["results"]

    assert [movie["tmdb_id"] for movie in results] == list(range(14, 4, -1))


def test_it_costs_one_query(api: Api, make_movie: MakeMovie, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_movie(1, "Heat")
    refresh_index()

    with django_assert_num_queries(1):
        api.get("movies/suggest/?q=he")


@pytest.mark.parametrize("query", ["", "q=", "q=" + "x" * 201, "q=heat&page=1"])
def test_an_impossible_query_is_a_400(api: Api, query: str) -> None:
    assert api.get(f"movies/suggest/?{query}").status_code == 400
