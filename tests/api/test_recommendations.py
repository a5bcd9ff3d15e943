"""GET movies/recommendations/ and movies/{tmdb_id}/similar/: a person who begins with nothing."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from matinee.recommendations import serving
from matinee.recommendations.training import train
from tests.api.conftest import NOW, Api, MakeMovie

RECOMMENDATIONS = "movies/recommendations/"
WHY = {"score", "because", "source"}


@pytest.fixture
def two_worlds(make_movie: MakeMovie) -> None:
    """Space films 1 to 20 and love stories 101 to 120: nothing in common but the year."""
    for number in range(1, 21):
        make_movie(
            number, f"Space {number}", genre_ids=[878], keywords=["spaceship", "alien"], directors=[f"D{number % 3}"],
            popularity=100.0 - number,
        )  # fmt: skip
        make_movie(
            100 + number, f"Love {number}", genre_ids=[10749], keywords=["wedding", "paris"],
            directors=[f"L{number % 3}"], popularity=50.0 - number,
        )  # fmt: skip
    refresh_columns()
    train(now=NOW)


def ids(page: dict[str, Any]) -> list[int]:
    return [movie["tmdb_id"] for movie in page["results"]]


def test_who_has_given_nothing_gets_what_is_popular_and_is_told_so(as_alice: Api, two_worlds: None) -> None:
    page = as_alice.get(RECOMMENDATIONS).json()

    assert page["personalised"] is False
    assert page["model_version"]
    assert page["total_results"] == 40
    assert {movie["source"] for movie in page["results"]} == {"popular"}
    assert all(movie["because"] == [] for movie in page["results"])


def test_each_rating_changes_the_very_next_answer(as_alice: Api, two_worlds: None) -> None:
    answers = [ids(as_alice.get(RECOMMENDATIONS).json())]
    rated = [101, 102, 103, 104, 105]
    for tmdb_id in rated:
        as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": 5})
        answers.append(ids(as_alice.get(RECOMMENDATIONS).json()))

    assert all(before != after for before, after in itertools.pairwise(answers))
    assert not set(rated) & set(answers[-1])
    assert all(tmdb_id > 100 for tmdb_id in answers[-1][:10])


def test_a_recommendation_says_why(as_alice: Api, two_worlds: None) -> None:
    as_alice.post("movies/101/rate/", {"rating": 5})
    as_alice.post("movies/favorites/", {"movie_id": 102})

    page = as_alice.get(RECOMMENDATIONS).json()
    first = page["results"][0]

    assert page["personalised"] is True
    assert first["source"] in {"taste", "similar"}
    assert {reason["tmdb_id"] for reason in first["because"]} <= {101, 102}
    assert first["because"][0]["title"].startswith("Love ")
    assert 0 < sum(reason["share"] for reason in first["because"]) <= 1.000001
    shares = [reason["share"] for reason in first["because"]]
    assert shares == sorted(shares, reverse=True)
    assert all(1 <= movie["predicted_rating"] <= 5 for movie in page["results"])
    assert first["predicted_rating"] == as_alice.get(f"movies/{first['tmdb_id']}/").json()["predicted_rating"]
    scores = [movie["score"] for movie in page["results"]]
    assert scores == sorted(scores, reverse=True)


def test_what_i_know_or_do_not_want_is_not_recommended(as_alice: Api, two_worlds: None) -> None:
    as_alice.post("movies/1/rate/", {"rating": 1})
    as_alice.post("movies/favorites/", {"movie_id": 2})
    as_alice.post("movies/watchlist/", {"movie_id": 3})
    as_alice.put("movies/recommendations/4/dismiss/")

    without = ids(as_alice.get(f"{RECOMMENDATIONS}?page_size=100").json())
    with_watchlist = ids(as_alice.get(f"{RECOMMENDATIONS}?page_size=100&include=watchlist").json())
    as_alice.delete("movies/recommendations/4/dismiss/")
    undone = ids(as_alice.get(f"{RECOMMENDATIONS}?page_size=100").json())

    assert not {1, 2, 3, 4} & set(without)
    assert len(without) == 36
    assert 3 in with_watchlist
    assert 4 in undone


def test_filters_apply_before_the_best_are_picked(as_alice: Api, two_worlds: None) -> None:
    as_alice.post("movies/101/rate/", {"rating": 5})

    space = as_alice.get(f"{RECOMMENDATIONS}?with_genres=878&page_size=15").json()
    none = as_alice.get(f"{RECOMMENDATIONS}?with_genres=99").json()

    assert (len(space["results"]), space["total_results"], space["total_pages"]) == (15, 20, 2)
    assert all(tmdb_id <= 20 for tmdb_id in ids(space))
    assert (none["results"], none["total_results"]) == ([], 0)


def test_sorting_reorders_what_was_picked(as_alice: Api, two_worlds: None) -> None:
    as_alice.post("movies/101/rate/", {"rating": 5})

    results = as_alice.get(f"{RECOMMENDATIONS}?sort_by=title.asc&page_size=100").json()["results"]

    titles = [movie["title"] for movie in results]
    assert titles == sorted(titles)


def test_chosen_seeds_stand_in_for_my_whole_history(as_alice: Api, two_worlds: None) -> None:
    as_alice.post("movies/101/rate/", {"rating": 5})

    page = as_alice.get(f"{RECOMMENDATIONS}?seeds=5,6").json()

    assert all(tmdb_id <= 20 for tmdb_id in ids(page)[:10])
    assert {reason["tmdb_id"] for reason in page["results"][0]["because"]} <= {5, 6}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("seeds=999999", "seeds"),
        ("seeds=a", "seeds"),
        ("seeds=99999999999999999999", "seeds"),
        ("diversity=1.5", "diversity"),
        ("diversity=nan", "diversity"),
        ("include=everything", "include"),
        ("ids=1", "ids"),
    ],
)
def test_an_impossible_wish_is_a_400_that_names_it(as_alice: Api, two_worlds: None, query: str, field: str) -> None:
    response = as_alice.get(f"{RECOMMENDATIONS}?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("nearest", [7, 100], ids=["the first page is ranked alone", "all are ranked at once"])
def test_pages_neither_overlap_nor_skip_and_end_empty(
    as_alice: Api, two_worlds: None, monkeypatch: pytest.MonkeyPatch, nearest: int
) -> None:
    monkeypatch.setattr(serving, "NEAREST", nearest)
    as_alice.post("movies/101/rate/", {"rating": 5})
    seen: list[int] = []
    for page in range(1, 8):
        answer = as_alice.get(f"{RECOMMENDATIONS}?page={page}&page_size=7").json()
        seen += ids(answer)
        assert answer["total_results"] == 39

    assert len(seen) == len(set(seen)) == 39
    assert as_alice.get(f"{RECOMMENDATIONS}?page=600").json()["results"] == []


@pytest.mark.parametrize("size", [1, 30])
def test_a_page_costs_the_same_queries_however_long(
    as_alice: Api, two_worlds: None, size: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for tmdb_id in (101, 102, 103):
        as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": 5})
    as_alice.get(RECOMMENDATIONS)
    as_alice.post("movies/104/rate/", {"rating": 5})

    with django_assert_num_queries(4):  # who asks, my history, films and reasons, genres' names
        page = as_alice.get(f"{RECOMMENDATIONS}?page_size={size}").json()
    with django_assert_num_queries(3):
        again = as_alice.get(f"{RECOMMENDATIONS}?page_size={size}").json()

    assert len(page["results"]) == size
    assert again == page


def test_a_page_that_was_shown_before_costs_one_query_and_is_the_same(
    as_alice: Api, two_worlds: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refresh_cards()
    as_alice.post("movies/101/rate/", {"rating": 5})
    pages = [as_alice.get(RECOMMENDATIONS).json()]

    for _ in range(2):
        with django_assert_num_queries(1):  # who asks
            pages.append(as_alice.get(RECOMMENDATIONS).json())

    assert pages[0]["results"][0]["because"]
    assert pages[0] == pages[1] == pages[2]


def test_a_page_that_was_shown_before_tells_of_each_film_as_it_is_now(as_alice: Api, two_worlds: None) -> None:
    refresh_cards()
    as_alice.post("movies/101/rate/", {"rating": 5})
    for _ in range(2):
        first, second, *_ = as_alice.get(RECOMMENDATIONS).json()["results"]

    Movie.objects.filter(tmdb_id=101).update(title="Why")
    Movie.objects.filter(tmdb_id=second["tmdb_id"]).update(title="What")
    Movie.objects.filter(tmdb_id=first["tmdb_id"]).delete()
    as_changed = [as_alice.get(RECOMMENDATIONS).json()["results"]]
    refresh_cards()
    as_changed += [as_alice.get(RECOMMENDATIONS).json()["results"] for _ in range(2)]

    for results in as_changed:
        assert (results[0]["title"], results[0]["because"][0]["title"]) == ("What", "Why")
        assert first["tmdb_id"] not in {movie["tmdb_id"] for movie in results}


def test_nobody_sees_anothers_recommendations(as_alice: Api, as_bob: Api, api: Api, two_worlds: None) -> None:
    before = ids(as_bob.get(RECOMMENDATIONS).json())

    as_alice.post("movies/101/rate/", {"rating": 5})
    hers = as_alice.get(RECOMMENDATIONS)
    his = as_bob.get(RECOMMENDATIONS, if_none_match=hers["ETag"])

    assert ids(his.json()) == before
    assert his.json()["personalised"] is False
    assert api.get(RECOMMENDATIONS).status_code == 401


def test_without_a_model_what_is_popular_is_served(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(1, popularity=1.0)
    make_movie(2, popularity=2.0)

    page = as_alice.get(RECOMMENDATIONS).json()

    assert (page["model_version"], page["personalised"], page["total_results"]) == (None, False, 2)


def test_favourite_genres_count_at_once(as_alice: Api, two_worlds: None) -> None:
    as_alice.patch("users/profile/", {"favorite_genres": [10749]})

    page = as_alice.get(RECOMMENDATIONS).json()

    assert page["personalised"] is True
    assert min(ids(page)[:5]) > 100


def test_similar_films_are_alike_and_open_to_everyone(api: Api, as_alice: Api, two_worlds: None) -> None:
    page = api.get("movies/101/similar/").json()
    mine = as_alice.get("movies/101/similar/?with_genres=10749&page_size=5").json()

    assert 101 not in ids(page)
    assert all(tmdb_id > 100 for tmdb_id in ids(page)[:10])
    assert set(page["results"][0]) >= WHY
    assert "predicted_rating" not in page["results"][0]
    assert "is_favorite" not in page["results"][0]
    assert mine["results"][0]["is_favorite"] is False
    assert len(mine["results"]) == 5
    assert api.get("movies/999/similar/").status_code == 404


def test_a_film_that_the_model_has_not_met_has_similar_ones_too(
    api: Api, two_worlds: None, make_movie: MakeMovie
) -> None:
    make_movie(500, "Fresh", genre_ids=[878], release_date=dt.date(2025, 1, 1))
    refresh_columns()

    page = api.get("movies/500/similar/").json()

    assert page["results"]
    assert 500 not in ids(page)
    assert Movie.objects.filter(tmdb_id__in=ids(page)).count() == len(ids(page))
