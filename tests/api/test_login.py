"""POST users/login/."""

from __future__ import annotations

from typing import Any

import pytest

from matinee.accounts.models import Session, User
from tests.api.conftest import PASSWORD, Api


@pytest.mark.parametrize(
    "names",
    [{"email": "alice@example.org"}, {"email": "Alice@EXAMPLE.org"}, {"username": "alice"}, {"username": "ALICE"}],
)
def test_alice_signs_in_by_either_name(api: Api, alice: User, names: dict[str, str]) -> None:
    response = api.post("users/login/", {**names, "password": PASSWORD})

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    assert answer["user"] == {
        "id": alice.pk,
        "email": "alice@example.org",
        "username": "alice",
        "first_name": "",
        "last_name": "",
        "date_joined": "2026-01-01T00:00:00+00:00",
        "email_verified_at": None,
    }
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    assert Api(answer["access"]).get("users/profile/").status_code == 200


def test_every_sign_in_is_a_session_of_its_own(api: Api, alice: User) -> None:
    for _ in range(2):
        api.post("users/login/", {"username": "alice", "password": PASSWORD})

    assert Session.objects.filter(user=alice).count() == 2


def test_nobody_learns_whether_an_account_exists(api: Api, alice: User, bob: User) -> None:
    bob.is_active = False
    bob.save()
    tries = [
        {"username": "alice", "password": "not her password"},
        {"username": "nobody", "password": PASSWORD},
        {"email": "nobody@example.org", "password": PASSWORD},
        {"username": "bob", "password": PASSWORD},
        {"username": "bob", "password": "not his password"},
        {"username": "alice", "password": ""},
    ]

    answers = [api.post("users/login/", body) for body in tries]

    assert {response.status_code for response in answers} == {401}
    assert len({response.content for response in answers}) == 1
    assert answers[0].json()["code"] == "wrong_credentials"
    assert {response["WWW-Authenticate"] for response in answers} == {"Bearer"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["password"]),
        ({"password": PASSWORD}, ["email", "username"]),
        ({"password": PASSWORD, "email": None, "username": None}, ["email", "username"]),
        ({"password": PASSWORD, "email": "alice@example.org", "username": "alice"}, ["email", "username"]),
        ({"password": None, "username": "alice"}, ["password"]),
        ({"password": ["x"], "username": "alice"}, ["password"]),
        ({"password": PASSWORD, "username": 7}, ["username"]),
        ({"password": PASSWORD, "email": {"$ne": ""}}, ["email"]),
        ({"password": PASSWORD, "username": "ali\u0000ce"}, ["username"]),
        ({"password": PASSWORD, "username": "x" * 10_000}, ["username"]),
        ({"password": "x" * 10_000, "username": "alice"}, ["password"]),
        ({"password": PASSWORD, "username": "alice", "remember": True}, ["remember"]),
    ],
)
def test_what_can_not_be_is_refused_by_name(api: Api, alice: User, body: dict[str, Any], fields: list[str]) -> None:
    response = api.post("users/login/", body)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == fields


def test_a_name_in_the_wrong_field_finds_nobody(api: Api, alice: User) -> None:
    for names in ({"email": "alice"}, {"username": "alice@example.org"}):
        assert api.post("users/login/", {**names, "password": PASSWORD}).status_code == 401


def test_a_stranger_who_guesses_stops_nobody_who_shows_an_old_token(api: Api, alice: User) -> None:
    right = {"username": "alice", "password": PASSWORD}
    phone = api.post("users/login/", right).json()
    api.post("users/token/refresh/", {"refresh": phone["refresh"]})
    Api(phone["access"]).delete("users/sessions/")
    guessed = [api.post("users/login/", {**right, "password": f"wrong {number}"}) for number in range(6)]

    stopped = api.post("users/login/", right)
    known = api.post("users/login/", {**right, "last_refresh": phone["refresh"]})

    assert stopped.status_code == 401
    assert len({response.content for response in [*guessed, stopped]}) == 1
    assert known.status_code == 200


@pytest.mark.parametrize("token", [5, ["x"], "x" * 1_001])
def test_what_is_no_old_token_is_refused_by_name(api: Api, alice: User, token: object) -> None:
    response = api.post("users/login/", {"username": "alice", "password": PASSWORD, "last_refresh": token})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["last_refresh"]
