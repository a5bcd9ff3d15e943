"""GET movies/{tmdb_id}/, movies/genres/"""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.catalog.facts import differences, known_facts, store_facts
from tests.api.conftest import NOW, Api, MakeMovie
from tests.catalog.told import OF_HEAT


def test_a_film_tells_all_that_is_known(api: Api, make_movie: MakeMovie) -> None:
    make_movie(603, "The Matrix", status="Released", directors=["Lana Wachowski"], production_companies=[{"id": 79}])

    movie = api.get("movies/603/").json()

    assert (movie["tmdb_id"], movie["title"], movie["status"]) == (603, "The Matrix", "Released")
    assert movie["budget"] == 63_000_000
    assert movie["production_companies"] == [{"id": 79}]
    assert movie["directors"] == ["Lana Wachowski"]
    assert movie["created_at"] == "2026-01-01T00:00:00+00:00"
    assert not {"is_favorite", "predicted_rating"} & movie.keys()


def test_a_film_tells_who_made_it_where_to_watch_it_and_what_belongs_to_it(api: Api) -> None:
    store_facts([known_facts(OF_HEAT)], choose=differences, now=NOW)

    movie = api.get("movies/949/").json()

    assert movie["credits"]["cast"][1] == {
        "id": 380, "name": "Robert De Niro", "profile_path": "/deniro.jpg",
        "profile_url": "https://image.tmdb.org/t/p/w185/deniro.jpg", "character": "Neil McCauley", "order": 1,
    }  # fmt: skip
    assert [(member["name"], member["job"]) for member in movie["credits"]["crew"]] == [
        ("Michael Mann", "Director"),
        ("Michael Mann", "Writer"),
    ]
    assert dict(zip(movie["keyword_ids"], movie["keywords"], strict=True)) == {642: "robbery", 10051: "heist"}
    assert (movie["directors"], movie["cast"]) == (["Michael Mann"], ["Al Pacino", "Robert De Niro"])
    assert movie["collection"]["name"] == "Heat Collection"
    assert movie["certifications"] == {"DE": "16", "US": "R"}
    assert "JustWatch" in movie["watch_providers"]["attribution"]
    assert [provider["name"] for provider in movie["watch_providers"]["providers"]] == ["Netflix"]
    assert movie["watch_providers"]["regions"] == {"DE": {"buy": [8]}, "US": {"flatrate": [8]}}
    assert movie["videos"][0]["url"] == "https://www.youtube.com/watch?v=trailer"
    assert movie["videos"][0]["published_at"] == "2015-03-05T02:03:14+00:00"
    assert movie["alternative_titles"] == [{"country": "FR", "title": "Heat, en toute sécurité", "type": None}]


def test_of_a_film_of_which_only_names_are_known_the_rest_is_empty(api: Api, make_movie: MakeMovie) -> None:
    make_movie(603, keywords=["dystopia"])

    movie = api.get("movies/603/").json()

    assert (movie["keywords"], movie["keyword_ids"]) == (["dystopia"], [])
    assert movie["credits"] == {"cast": [], "crew": []}
    assert (movie["collection"], movie["watch_providers"], movie["certifications"]) == (None, None, {})
    assert movie["videos"] == movie["alternative_titles"] == []


def test_signed_in_it_tells_what_it_is_to_me(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    as_alice.post("movies/603/rate/", {"rating": 5})

    movie = as_alice.get("movies/603/").json()

    assert (movie["is_favorite"], movie["in_watchlist"], movie["user_rating"]) == (False, False, 5)


def test_signed_in_it_tells_the_stars_that_i_would_give_it_whether_i_have_or_not(
    as_alice: Api, make_movie: MakeMovie
) -> None:
    for tmdb_id in (603, 604, 605):
        make_movie(tmdb_id)
    refresh_columns()
    before = as_alice.get("movies/603/").json()["predicted_rating"]
    as_alice.post("movies/604/rate/", {"rating": 5})
    generous = as_alice.get("movies/603/").json()["predicted_rating"]
    as_alice.post("movies/603/rate/", {"rating": 1})

    movie = as_alice.get("movies/603/").json()

    assert 1 <= before < generous <= 5
    assert (movie["user_rating"], movie["predicted_rating"]) == (1, generous)


@pytest.mark.parametrize("tmdb_id", ["999", "0", "9223372036854775807", "9223372036854775808", "9" * 400])
def test_an_unknown_film_is_a_404(api: Api, tmdb_id: str) -> None:
    response = api.get(f"movies/{tmdb_id}/")

    assert response.status_code == 404
    assert response.json()["code"] in {"movie_not_found", "not_found"}


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "Bearer"])
def test_a_bad_token_is_a_401_even_where_none_is_needed(make_movie: MakeMovie, token: str) -> None:
    make_movie(603)

    response = Api(token).get("movies/603/")

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_film_costs_one_query_and_one_more_for_my_history_which_is_remembered(
    api: Api, as_alice: Api, make_movie: MakeMovie, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_movie(603)
    refresh_columns()
    refresh_cards()

    with django_assert_num_queries(1):
        api.get("movies/603/")
    with django_assert_num_queries(2):
        as_alice.get("movies/603/")
    with django_assert_num_queries(1):
        as_alice.get("movies/603/")


def test_genres_are_tmdbs_by_name(api: Api, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        genres = api.get("movies/genres/").json()["genres"]

    assert genres[0] == {"id": 28, "name": "Action"}
    assert len(genres) == 19
    assert [genre["name"] for genre in genres] == sorted(genre["name"] for genre in genres)
