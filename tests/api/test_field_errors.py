"""What is wrong with a field or a parameter is said in a sentence to the person who sent it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("page=0", "Give 1 or more."),
        ("page_size=101", "Give 100 or less."),
        ("page=x", "Give a whole number, in digits alone."),
        ("page=" + "9" * 5_000, "This number is too large."),
        ("with_genres=28,12|16", "Use the comma (and) or the pipe (or), not both in one value."),
        ("with_genres=x", "Give TMDb ids: whole numbers from 1, with comma or pipe between."),
        ("with_cast=0", "Give TMDb ids: whole numbers from 1, with comma or pipe between."),
        ("ids=603|11", "Give TMDb ids: whole numbers from 1, with commas between."),
        ("imdb_id=603", "Give an IMDb title id, like tt0111161."),
        ("vote_average.gte=nan", "Give a number from 0 to 10, like 7.5."),
        ("vote_average.lte=-1", "Give a number from 0 to 10, like 7.5."),
        ("vote_count.gte=x", "Give a whole number from 0 to 2147483647."),
        ("with_runtime.lte=2147483648", "Give a whole number from 0 to 2147483647."),
        ("primary_release_year=0", "Give a year, like 1994."),
        ("with_original_language=english", "Give ISO 639-1 codes, like en or en|fr."),
        ("watch_region=usa&with_watch_providers=8", "Give an ISO 3166 code, like US."),
        (
            "sort_by=popularity",
            (
                "sort_by is one of popularity, vote_average, primary_release_date, revenue, title, "
                "with .asc or .desc behind it."
            ),
        ),
    ],
)
def test_of_a_list(api: Api, query: str, message: str) -> None:
    response = api.get(f"movies/?{query}")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert [error["message"] for error in response.json()["errors"]] == [message]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("movies/recommendations/?diversity=2", "Give 1.0 or less."),
        ("movies/recommendations/?diversity=nan", "Give a number."),
        ("movies/recommendations/?diversity=x", "Give a number."),
        ("movies/recommendations/?include=ratings", "Give 'watchlist'."),
        ("movies/recommendations/?seeds=603|11", "Give TMDb ids: whole numbers from 1, with commas between."),
        ("movies/recommendations/?seeds=" + ",".join("1" * 101), "Give 100 ids or fewer."),
        ("movies/trending/?window=month", "Give 'day' or 'week'."),
        ("movies/search/", "This is missing."),
        ("movies/search/?q=", "Give 1 or more characters."),
        ("movies/suggest/?q=" + "x" * 201, "This is too long: 200 characters at most."),
    ],
)
def test_of_another_question(as_alice: Api, path: str, message: str) -> None:
    response = as_alice.get(path)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert [error["message"] for error in response.json()["errors"]] == [message]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ([], "", "Give an object."),
        ({"is_staff": True}, "is_staff", "There is no such field here."),
        ({"bio": 5}, "bio", "Give text."),
        ({"bio": "x" * 5_001}, "bio", "At most 5,000 characters."),
        ({"username": "me"}, "username", "A username has 3 to 30 characters."),
        ({"favorite_genres": 18}, "favorite_genres", "Give a list."),
        ({"favorite_genres": ["18"]}, "favorite_genres.0", "Give a whole number."),
        ({"favorite_genres": [18.0]}, "favorite_genres.0", "Give a whole number."),
        ({"favorite_genres": [18] * 101}, "favorite_genres", "This is too long: 100 at most."),
        ({"notification_preferences": []}, "notification_preferences", "Give an object."),
        (
            {"notification_preferences": {"product_mail": 1}},
            "notification_preferences.product_mail",
            "Give true or false.",
        ),
        ({"birth_date": "17.05.1990"}, "birth_date", "A day is written YYYY-MM-DD."),
    ],
)
def test_of_a_profile(as_alice: Api, body: Any, field: str, message: str) -> None:
    response = as_alice.request("PATCH", "users/profile/", body)

    assert response.status_code == 422
    assert [(error["field"], error["message"]) for error in response.json()["errors"]] == [(field, message)]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "rating", "This is missing."),
        ({"rating": 0}, "rating", "Give 1 or more."),
        ({"rating": 6}, "rating", "Give 5 or less."),
        ({"rating": "5"}, "rating", "Give a whole number."),
        ({"rating": 5, "review": "x" * 10_001}, "review", "This is too long: 10,000 characters at most."),
    ],
)
def test_of_a_rating(as_alice: Api, body: Any, field: str, message: str) -> None:
    response = as_alice.post("movies/603/rate/", body)

    assert response.status_code == 422
    assert [(error["field"], error["message"]) for error in response.json()["errors"]] == [(field, message)]
