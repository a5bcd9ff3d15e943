"""GET, PUT and PATCH users/profile/."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import NOTIFICATION_SWITCHES, User, UserProfile
from matinee.api.users import NotificationPreferences
from matinee.catalog.models import Genre
from tests.api.conftest import PASSWORD, Api, signed_in_as
from tests.at_once import at_once

FULL = {
    "username": "liddell",
    "first_name": "Alice",
    "last_name": "Liddell",
    "bio": "Slow films, fast trains.",
    "birth_date": "1990-05-17",
    "favorite_genres": [878, 18],
    "notification_preferences": {"product_mail": False, "watchlist_release": True},
}


@pytest.fixture(autouse=True)
def genres(db: None) -> None:
    for number, name in ((18, "Drama"), (878, "Science Fiction")):
        Genre.objects.get_or_create(id=number, defaults={"name": name})


def read(who: Api) -> dict[str, Any]:
    profile: dict[str, Any] = who.get("users/profile/").json()
    return profile


def test_the_profile_is_the_person_and_what_they_say_in_one_flat_object(as_alice: Api, alice: User) -> None:
    response = as_alice.get("users/profile/")

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {
        "id": alice.pk,
        "email": "alice@example.org",
        "username": "alice",
        "first_name": "",
        "last_name": "",
        "date_joined": "2026-01-01T00:00:00+00:00",
        "email_verified_at": None,
        "bio": "",
        "birth_date": None,
        "favorite_genres": [],
        "notification_preferences": {"product_mail": False, "watchlist_release": False},
        "maturity_ceiling": None,
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": "2026-01-01T00:00:00+00:00",
    }


def test_a_put_says_it_all_anew(as_alice: Api) -> None:
    response = as_alice.put("users/profile/", FULL)

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    assert {name: answer[name] for name in FULL} == FULL
    assert read(as_alice) == answer


@pytest.mark.parametrize("missing", FULL)
def test_a_put_needs_every_field(as_alice: Api, missing: str) -> None:
    response = as_alice.put("users/profile/", {name: value for name, value in FULL.items() if name != missing})

    assert response.status_code == 422
    errors = response.json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [(missing, "missing")]


@pytest.mark.parametrize("name", FULL)
def test_a_patch_takes_any_field_and_leaves_the_others(as_alice: Api, name: str) -> None:
    before = read(as_alice)

    response = as_alice.patch("users/profile/", {name: FULL[name]})

    assert response.status_code == 200
    answer = response.json()
    assert answer == {**before, name: FULL[name], "updated_at": answer["updated_at"]}
    assert answer["updated_at"] > before["updated_at"]


def test_a_patch_turns_one_switch_and_a_put_all(as_alice: Api) -> None:
    as_alice.patch("users/profile/", {"notification_preferences": {"product_mail": True}})
    as_alice.patch("users/profile/", {"notification_preferences": {"watchlist_release": True}})
    both = read(as_alice)["notification_preferences"]

    as_alice.put("users/profile/", {**FULL, "notification_preferences": {"watchlist_release": True}})

    assert both == {"product_mail": True, "watchlist_release": True}
    assert read(as_alice)["notification_preferences"] == {"product_mail": False, "watchlist_release": True}


def test_the_documented_switches_are_those_that_are_stored() -> None:
    assert NotificationPreferences().model_dump() == dict(NOTIFICATION_SWITCHES)


def test_a_birth_date_can_be_taken_back(as_alice: Api) -> None:
    as_alice.put("users/profile/", FULL)

    assert as_alice.patch("users/profile/", {"birth_date": None}).json()["birth_date"] is None


@pytest.mark.parametrize("nothing", [{}, {"bio": ""}, {"notification_preferences": {}}])
def test_an_update_that_changes_nothing_moves_nothing(as_alice: Api, nothing: dict[str, Any]) -> None:
    before = as_alice.get("users/profile/")

    after = as_alice.patch("users/profile/", nothing)

    assert (after.content, after["ETag"]) == (before.content, before["ETag"])


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"username": None}, "username", "wrong_type"),
    ({"username": "al"}, "username", "too_short"),
    ({"username": "alice@home"}, "username", "invalid"),
    ({"username": "\u3164\u3164\u3164"}, "username", "invalid"),
    ({"first_name": None}, "first_name", "wrong_type"),
    ({"first_name": "x" * 10_000}, "first_name", "too_long"),
    ({"last_name": "x\u0000"}, "last_name", "invalid"),
    ({"bio": None}, "bio", "wrong_type"),
    ({"bio": "x" * 10_000}, "bio", "too_long"),
    ({"bio": "x\u001b[2J"}, "bio", "invalid"),
    ({"bio": ["x"]}, "bio", "wrong_type"),
    ({"birth_date": "17.05.1990"}, "birth_date", "invalid"),
    ({"birth_date": "1990-02-30"}, "birth_date", "invalid"),
    ({"birth_date": "1990-5-7"}, "birth_date", "invalid"),
    ({"birth_date": "19900517"}, "birth_date", "invalid"),
    ({"birth_date": "1990-05-17T00:00:00"}, "birth_date", "invalid"),
    ({"birth_date": "\u0661\u0669\u0669\u0660-05-17"}, "birth_date", "invalid"),
    ({"birth_date": ""}, "birth_date", "invalid"),
    ({"birth_date": 642902400}, "birth_date", "wrong_type"),
    ({"birth_date": True}, "birth_date", "wrong_type"),
    ({"birth_date": "9999-12-31"}, "birth_date", "out_of_range"),
    ({"birth_date": "0001-01-01"}, "birth_date", "out_of_range"),
    ({"favorite_genres": None}, "favorite_genres", "wrong_type"),
    ({"favorite_genres": "18"}, "favorite_genres", "wrong_type"),
    ({"favorite_genres": ["18"]}, "favorite_genres.0", "wrong_type"),
    ({"favorite_genres": [18, True]}, "favorite_genres.1", "wrong_type"),
    ({"favorite_genres": [18, 18.5]}, "favorite_genres.1", "wrong_type"),
    ({"favorite_genres": [18.0]}, "favorite_genres.0", "wrong_type"),
    ({"favorite_genres": [18, 404]}, "favorite_genres.1", "unknown_genre"),
    ({"favorite_genres": [2**63]}, "favorite_genres.0", "unknown_genre"),
    ({"favorite_genres": [18] * 101}, "favorite_genres", "too_long"),
    ({"notification_preferences": None}, "notification_preferences", "wrong_type"),
    ({"notification_preferences": []}, "notification_preferences", "wrong_type"),
    ({"notification_preferences": {"product_mail": 1}}, "notification_preferences.product_mail", "wrong_type"),
    ({"notification_preferences": {"product_mail": "true"}}, "notification_preferences.product_mail", "wrong_type"),
    ({"notification_preferences": {"product_mail": None}}, "notification_preferences.product_mail", "wrong_type"),
    ({"notification_preferences": {"weather": True}}, "notification_preferences.weather", "unknown_field"),
    *(
        ({name: value}, name, "unknown_field")
        for name, value in {
            "id": 1,
            "email": "mallory@example.org",
            "password": PASSWORD,
            "is_staff": True,
            "is_superuser": True,
            "is_active": False,
            "date_joined": "2000-01-01T00:00:00Z",
            "created_at": "2000-01-01T00:00:00Z",
            "updated_at": "2000-01-01T00:00:00Z",
            "user": 1,
            "user_id": 1,
            "groups": [1],
            "username_key": "x",
            "profile": {},
        }.items()
    ),
]


@pytest.mark.parametrize(("changed", "field", "code"), WRONG)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_can_not_be_is_refused_by_name_and_changes_nothing(
    as_alice: Api, method: str, changed: dict[str, Any], field: str, code: str
) -> None:
    before = as_alice.get("users/profile/").content
    body = {**FULL, **changed} if method == "PUT" else {"last_name": "Liddell", **changed}

    response = as_alice.request(method, "users/profile/", body)

    assert response.status_code == 422
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]
    assert as_alice.get("users/profile/").content == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_taken_username_is_a_409(as_alice: Api, bob: User, method: str) -> None:
    response = as_alice.request(method, "users/profile/", {**FULL, "username": "BOB"})

    assert response.status_code == 409
    answer = response.json()
    assert (answer["code"], answer["errors"][0]["field"]) == ("username_taken", "username")
    assert read(as_alice)["bio"] == ""


def test_an_unchanged_profile_is_a_304_that_nothing_keeps(as_alice: Api) -> None:
    etag = as_alice.get("users/profile/")["ETag"]

    response = as_alice.get("users/profile/", if_none_match=etag)

    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_profile_is_written_over_only_as_it_was_read(as_alice: Api, alice: User, method: str) -> None:
    read_on_both = as_alice.get("users/profile/")["ETag"]
    phone = signed_in_as(alice).request(method, "users/profile/", FULL, if_match=read_on_both)

    laptop = as_alice.request(method, "users/profile/", {**FULL, "bio": "x"}, if_match=read_on_both)

    assert (phone.status_code, laptop.status_code) == (200, 412)
    assert laptop.json()["code"] == "precondition_failed"
    assert read(as_alice)["bio"] == FULL["bio"]
    assert phone["ETag"] == as_alice.get("users/profile/")["ETag"] != read_on_both


@pytest.mark.parametrize(
    ("header", "status"),
    [("*", 200), ("{}", 200), ('"other", {}', 200), ('"other"', 412), ("W/{}", 412), ("garbage", 412), ("", 412)],
)
def test_if_match_is_read_as_rfc_9110_says(as_alice: Api, header: str, status: int) -> None:
    etag = as_alice.get("users/profile/")["ETag"]

    response = as_alice.patch("users/profile/", {"bio": "x"}, if_match=header.format(etag))

    assert response.status_code == status


def test_nobody_sees_another_persons_profile(as_alice: Api, as_bob: Api, api: Api) -> None:
    as_alice.put("users/profile/", FULL)

    assert read(as_bob)["username"] == "bob"
    assert as_alice.get("users/profile/")["ETag"] != as_bob.get("users/profile/")["ETag"]
    assert [api.request(method, "users/profile/", FULL).status_code for method in ("GET", "PUT", "PATCH")] == [401] * 3


def test_a_profile_costs_a_few_queries(as_alice: Api, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):  # who asks, and the profile
        as_alice.get("users/profile/")
    with django_assert_num_queries(6):  # who asks, the profile under lock in a savepoint, the change, its event
        as_alice.patch("users/profile/", {"bio": "x"})


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_write_over_one_version_at_once_one_succeeds(alice: User) -> None:
    phone = signed_in_as(alice)
    etag = phone.get("users/profile/")["ETag"]
    bodies = [{"bio": f"Writer {place}."} for place in range(8)]

    outcomes = at_once(*(functools.partial(phone.patch, "users/profile/", body, if_match=etag) for body in bodies))

    assert Counter(getattr(outcome, "status_code", outcome) for outcome in outcomes) == {200: 1, 412: 7}
    assert UserProfile.objects.get(user=alice).bio in {body["bio"] for body in bodies}
