"""movies/{movie_id}/rate/, movies/ratings/ and movies/{tmdb_id}/reviews/"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.cards import refresh_cards
from matinee.catalog.models import Movie
from matinee.library.models import MovieRating
from tests.api.conftest import NOW, Api, MakeMovie, signed_in_as
from tests.at_once import at_once


@pytest.fixture
def matrix(make_movie: MakeMovie) -> Movie:
    return make_movie(603, "The Matrix")


def test_the_first_rating_is_new_and_the_next_replaces_it(as_alice: Api, matrix: Movie) -> None:
    first = as_alice.post("movies/603/rate/", {"rating": 4, "review": "Good."})
    second = as_alice.post("movies/603/rate/", {"rating": 5})

    assert (first.status_code, second.status_code) == (201, 200)
    body = second.json()
    assert (body["rating"], body["review"], body["count"], body["average"]) == (5, "Good.", 1, 5.0)
    assert body["distribution"] == {"1": 0, "2": 0, "3": 0, "4": 0, "5": 1}
    assert MovieRating.objects.count() == 1


def test_a_review_of_blanks_alone_is_none(as_alice: Api, matrix: Movie) -> None:
    first = as_alice.post("movies/603/rate/", {"rating": 4, "review": " \n\t"})
    as_alice.post("movies/603/rate/", {"rating": 4, "review": " Good. "})
    shown = as_alice.get("movies/603/reviews/").json()["results"]
    withdrawn = as_alice.request("PUT", "movies/603/rate/", {"review": "  "})

    assert first.json()["review"] == withdrawn.json()["review"] == ""
    assert [review["review"] for review in shown] == [" Good. "]
    assert as_alice.get("movies/603/reviews/").json()["total_results"] == 0


def test_without_a_rating_of_mine_the_first_four_are_null(as_alice: Api, as_bob: Api, matrix: Movie) -> None:
    as_bob.post("movies/603/rate/", {"rating": 2})

    body = as_alice.get("movies/603/rate/").json()

    assert body == {
        "rating": None, "review": None, "created_at": None, "updated_at": None,
        "average": 2.0, "count": 1, "distribution": {"1": 0, "2": 1, "3": 0, "4": 0, "5": 0},
    }  # fmt: skip


def test_put_changes_what_is_there_and_404s_what_is_not(as_alice: Api, matrix: Movie) -> None:
    absent = as_alice.put("movies/603/rate/", {"rating": 1})
    as_alice.post("movies/603/rate/", {"rating": 4, "review": "Good."})
    changed = as_alice.put("movies/603/rate/", {"review": "Better."})

    assert (absent.status_code, absent.json()["code"]) == (404, "not_rated")
    assert (changed.json()["rating"], changed.json()["review"]) == (4, "Better.")


def test_delete_is_a_204_either_way(as_alice: Api, matrix: Movie) -> None:
    as_alice.post("movies/603/rate/", {"rating": 4})

    assert as_alice.delete("movies/603/rate/").status_code == 204
    assert as_alice.delete("movies/603/rate/").status_code == 204
    assert as_alice.delete("movies/999/rate/").status_code == 204
    assert MovieRating.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rating"),
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"rating": True}, "rating"),
        ({"rating": 3.5}, "rating"),
        ({"rating": None}, "rating"),
        ({"rating": 10**30}, "rating"),
        ({"rating": 5, "review": 7}, "review"),
        ({"rating": 5, "review": "x" * 10_001}, "review"),
        ({"rating": 5, "review": "a\u0000b"}, "review"),
        ({"rating": 5, "user_id": 1}, "user_id"),
    ],
)
def test_what_is_no_rating_is_refused_by_field(as_alice: Api, matrix: Movie, body: dict[str, Any], field: str) -> None:
    response = as_alice.post("movies/603/rate/", body)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert MovieRating.objects.count() == 0


@pytest.mark.parametrize("stars", [0, 6, "5", True, 3.5, None])
def test_what_is_no_number_of_stars_changes_no_rating(as_alice: Api, matrix: Movie, stars: object) -> None:
    as_alice.post("movies/603/rate/", {"rating": 4})

    response = as_alice.put("movies/603/rate/", {"rating": stars, "review": "Better."})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["rating"]
    assert [(rating.rating, rating.review) for rating in MovieRating.objects.all()] == [(4, "")]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_an_unknown_film_is_a_404(as_alice: Api, method: str) -> None:
    body = None if method == "GET" else {"rating": 5}

    assert as_alice.request(method, "movies/603/rate/", body).status_code == 404
    assert Movie.objects.count() == 0


def test_the_database_itself_holds_one_to_five_and_one_each(alice: User, matrix: Movie) -> None:
    for stars in (0, 6):
        with pytest.raises(IntegrityError), transaction.atomic():
            MovieRating.objects.create(user=alice, movie=matrix, rating=stars, created_at=NOW, updated_at=NOW)
    MovieRating.objects.create(user=alice, movie=matrix, rating=1, created_at=NOW, updated_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        MovieRating.objects.create(user=alice, movie=matrix, rating=2, created_at=NOW, updated_at=NOW)


def test_my_ratings_are_listed_newest_first_with_their_films(as_alice: Api, as_bob: Api, make_movie: MakeMovie) -> None:
    for tmdb_id in (1, 2):
        make_movie(tmdb_id)
        as_alice.post(f"movies/{tmdb_id}/rate/", {"rating": tmdb_id, "review_private": True})

    results = as_alice.get("movies/ratings/").json()["results"]

    assert [(entry["tmdb_id"], entry["rating"], entry["user_rating"]) for entry in results] == [(2, 2, 2), (1, 1, 1)]
    assert results[0]["review_private"] is True
    assert as_bob.get("movies/ratings/").json()["results"] == []


@pytest.mark.parametrize("number", [1, 100])
def test_a_page_of_ratings_costs_the_same_queries_however_long(
    as_alice: Api, alice: User, make_movie: MakeMovie, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for tmdb_id in range(1, number + 1):
        movie = make_movie(tmdb_id)
        MovieRating.objects.create(user=alice, movie=movie, rating=3, review="r", created_at=NOW, updated_at=NOW)
    refresh_cards()

    with django_assert_num_queries(4):
        page = as_alice.get("movies/ratings/?page_size=100").json()

    assert len(page["results"]) == number


def test_a_rating_costs_one_statement_two_where_there_was_one_and_its_event(
    as_alice: Api, matrix: Movie, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(7):  # who asks, the film, the rating and its event in a savepoint, everybody's
        as_alice.post("movies/603/rate/", {"rating": 4})
    with django_assert_num_queries(8):
        as_alice.post("movies/603/rate/", {"rating": 5})
    with django_assert_num_queries(7):
        as_alice.put("movies/603/rate/", {"rating": 3})
    with django_assert_num_queries(4):
        as_alice.get("movies/603/rate/")
    with django_assert_num_queries(5):
        as_alice.delete("movies/603/rate/")


def test_reviews_are_public_but_for_private_hidden_and_deactivated_ones(
    api: Api, as_alice: Api, as_bob: Api, bob: User, matrix: Movie
) -> None:
    as_alice.post("movies/603/rate/", {"rating": 5, "review": "<b>Loved</b> it."})
    as_bob.post("movies/603/rate/", {"rating": 1, "review": "Hated it."})

    both = api.get("movies/603/reviews/").json()["results"]
    as_alice.put("movies/603/rate/", {"review_private": True})
    without_hers = api.get("movies/603/reviews/").json()["results"]
    User.objects.filter(pk=bob.pk).update(is_active=False)
    nobodys = api.get("movies/603/reviews/").json()

    assert [review["username"] for review in both] == ["bob", "alice"]
    assert set(both[0]) == {"id", "username", "rating", "review", "created_at", "updated_at"}
    assert both[1]["review"] == "<b>Loved</b> it."
    assert [review["username"] for review in without_hers] == ["bob"]
    assert (nobodys["results"], nobodys["total_results"]) == ([], 0)


def test_a_review_hidden_by_staff_or_without_words_is_not_shown(
    api: Api, as_alice: Api, as_bob: Api, matrix: Movie
) -> None:
    as_alice.post("movies/603/rate/", {"rating": 5, "review": "Rude."})
    as_bob.post("movies/603/rate/", {"rating": 4})
    MovieRating.objects.filter(review="Rude.").update(review_hidden=True)

    assert api.get("movies/603/reviews/").json()["results"] == []
    assert api.get("movies/999/reviews/").status_code == 404


def test_a_page_of_reviews_costs_three_queries(
    api: Api, alice: User, bob: User, matrix: Movie, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for user in (alice, bob):
        signed_in_as(user).post("movies/603/rate/", {"rating": 5, "review": "Yes."})

    with django_assert_num_queries(3):
        assert len(api.get("movies/603/reviews/").json()["results"]) == 2


def test_over_a_version_that_is_no_longer_there_nothing_is_written(as_alice: Api, matrix: Movie) -> None:
    seen = as_alice.get("movies/603/rate/")["ETag"]
    as_alice.post("movies/603/rate/", {"rating": 4})

    late = [
        as_alice.post("movies/603/rate/", {"rating": 1}, If_Match=seen),
        as_alice.put("movies/603/rate/", {"rating": 1}, If_Match=seen),
        as_alice.delete("movies/603/rate/", If_Match=seen),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in late] == [(412, "precondition_failed")] * 3
    assert as_alice.get("movies/603/rate/").json()["rating"] == 4


def test_over_the_version_that_was_read_it_is_written_and_the_answer_tells_the_next(
    as_alice: Api, matrix: Movie
) -> None:
    tag = as_alice.get("movies/603/rate/")["ETag"]
    for method, stars, status in (("POST", 4, 201), ("PUT", 5, 200), ("POST", 3, 200)):
        answer = as_alice.request(method, "movies/603/rate/", {"rating": stars}, If_Match=tag)
        assert answer.status_code == status
        tag = answer["ETag"]

    assert as_alice.get("movies/603/rate/")["ETag"] == tag
    assert as_alice.delete("movies/603/rate/", If_Match=tag).status_code == 204


def test_what_others_think_meanwhile_changes_the_tag_and_stands_against_nothing(
    as_alice: Api, as_bob: Api, matrix: Movie
) -> None:
    seen = as_alice.post("movies/603/rate/", {"rating": 4})["ETag"]
    as_bob.post("movies/603/rate/", {"rating": 1})

    now = as_alice.get("movies/603/rate/", If_None_Match=seen)
    written = as_alice.put("movies/603/rate/", {"rating": 5}, If_Match=seen)

    assert (now.status_code, written.status_code) == (200, 200)


@pytest.mark.parametrize("tag", ['"made up"', 'W/"none.0"', '"", "x.y"', "none"])
def test_a_tag_that_is_none_of_ours_matches_nothing(as_alice: Api, matrix: Movie, tag: str) -> None:
    assert as_alice.post("movies/603/rate/", {"rating": 4}, If_Match=tag).status_code == 412


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_write_over_the_same_version_one_wins(as_alice: Api, matrix: Movie) -> None:
    for round_ in range(3):
        seen = as_alice.get("movies/603/rate/")["ETag"]

        def write(stars: int, tag: str = seen) -> int:
            return Api(as_alice.token).post("movies/603/rate/", {"rating": stars}, If_Match=tag).status_code

        answers = at_once(*[partial(write, 1 + number % 5) for number in range(8)])

        assert sorted(answers, key=str) == [201 if round_ == 0 else 200] + [412] * 7
