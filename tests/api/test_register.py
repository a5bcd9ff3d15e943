"""POST users/register/."""

from __future__ import annotations

import functools
import uuid
from collections import Counter
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.accounts.models import User, UserProfile
from tests.api.conftest import PASSWORD, Api
from tests.at_once import at_once
from tests.mail_server import Mailbox, token_in

ALICE = {"email": "alice@example.org", "username": "alice", "password": PASSWORD}


def test_a_new_person_is_signed_in_at_once(api: Api) -> None:
    response = api.post("users/register/", {**ALICE, "first_name": "Alice", "last_name": "Liddell"})

    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    user = answer["user"]
    assert (user["email"], user["username"]) == ("alice@example.org", "alice")
    assert (user["first_name"], user["last_name"]) == ("Alice", "Liddell")
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    assert Api(answer["access"]).get("users/profile/").json()["id"] == user["id"]
    assert api.post("users/token/refresh/", {"refresh": answer["refresh"]}).status_code == 200
    assert UserProfile.objects.filter(user_id=user["id"]).exists()


def test_the_address_is_to_be_verified_where_mail_leaves(api: Api, mailbox: Mailbox) -> None:
    user = api.post("users/register/", ALICE).json()["user"]

    [mail] = mailbox.collect()

    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "Matinee: confirm your e-mail address")
    assert user["email_verified_at"] is None
    assert api.post("users/email/verify/", {"token": token_in(mail)}).status_code == 204
    assert User.objects.get().email_verified_at is not None


@pytest.mark.parametrize("absent", [{}, {"username": None}])
def test_who_gives_no_username_gets_one_that_tells_nothing(api: Api, absent: dict[str, None]) -> None:
    response = api.post("users/register/", {"email": "alice@example.org", "password": PASSWORD, **absent})

    username = response.json()["user"]["username"]
    assert username.startswith("viewer-")
    assert "alice" not in username


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"username": "bob"}, "email_taken"),
        ({"username": "bob", "email": "ALICE@Example.org"}, "email_taken"),
        ({"email": "bob@example.org"}, "username_taken"),
        ({"email": "bob@example.org", "username": "ALICE"}, "username_taken"),
        ({"email": "bob@example.org", "username": "\uff41lice"}, "username_taken"),
        ({}, "email_taken"),
    ],
)
def test_a_taken_name_is_a_409_that_says_which(api: Api, changed: dict[str, str], code: str) -> None:
    api.post("users/register/", ALICE)

    response = api.post("users/register/", {**ALICE, **changed})

    assert response.status_code == 409
    assert response.json()["code"] == code
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"email": None}, "email", "wrong_type"),
        ({"email": 5}, "email", "wrong_type"),
        ({"email": ["alice@example.org"]}, "email", "wrong_type"),
        ({"email": "alice"}, "email", "invalid"),
        ({"email": "alice\u0000@example.org"}, "email", "invalid"),
        ({"email": "x" * 10_000}, "email", "too_long"),
        ({"password": 123456789012345}, "password", "wrong_type"),
        ({"password": "short"}, "password", "password_too_short"),
        ({"password": "alice@example.org"}, "password", "password_too_similar"),
        ({"password": "1q2w3e4r5t6y7u8i9o0p"}, "password", "password_too_common"),
        ({"password": "x" * 10_000}, "password", "too_long"),
        ({"password": "correct\u0000horse battery"}, "password", "invalid"),
        ({"username": True}, "username", "wrong_type"),
        ({"username": ""}, "username", "too_short"),
        ({"username": "x" * 31}, "username", "too_long"),
        ({"username": "alice@home"}, "username", "invalid"),
        ({"username": "ali\u200dce"}, "username", "invalid"),
        ({"first_name": "x" * 151}, "first_name", "too_long"),
        ({"first_name": None}, "first_name", "wrong_type"),
        ({"last_name": "\u0007"}, "last_name", "invalid"),
        ({"is_staff": True}, "is_staff", "unknown_field"),
        ({"is_superuser": True}, "is_superuser", "unknown_field"),
        ({"is_active": False}, "is_active", "unknown_field"),
        ({"id": 1}, "id", "unknown_field"),
        ({"date_joined": "2000-01-01T00:00:00Z"}, "date_joined", "unknown_field"),
        ({"email_key": "x"}, "email_key", "unknown_field"),
        ({"groups": [1]}, "groups", "unknown_field"),
    ],
)
def test_what_can_not_be_is_refused_by_name(api: Api, changed: dict[str, Any], field: str, code: str) -> None:
    response = api.post("users/register/", {**ALICE, **changed})

    assert response.status_code == 422
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]
    assert not User.objects.exists()


def test_everything_that_is_missing_is_named(api: Api) -> None:
    response = api.post("users/register/", {})

    errors = response.json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("email", "missing"), ("password", "missing")]


def test_everything_that_is_wrong_is_named_at_once(api: Api) -> None:
    wrong = {"email": "alice", "username": "al", "password": "secret", "first_name": "x" * 1_000}

    response = api.post("users/register/", wrong)

    assert response.status_code == 422
    assert {error["field"] for error in response.json()["errors"]} == wrong.keys()


def test_a_lone_surrogate_is_refused_by_name(api: Api) -> None:
    body = b'{"email": "alice@example.org", "password": "correct horse \\ud800 battery"}'

    response = api.post("users/register/", body)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "password"


def test_a_closed_instance_takes_nobody(api: Api, settings: Settings) -> None:
    settings.REGISTRATION = "closed"

    response = api.post("users/register/", ALICE)

    assert response.status_code == 403
    assert response.json()["code"] == "registration_closed"
    assert not User.objects.exists()


def test_a_bad_token_is_a_401_here_too(api: Api) -> None:
    response = api.request("POST", "users/register/", ALICE, authorization="Bearer x.y.z")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert not User.objects.exists()


def test_registering_costs_the_same_few_queries_however_many_are_there(
    api: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        someone = {"email": f"{uuid.uuid4()}@example.org", "password": PASSWORD}
        # the account, its key, profile, state and event, the session and its token, two savepoints
        with django_assert_num_queries(11):
            api.post("users/register/", someone)


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_register_one_name_at_once_one_gets_a_201_and_seven_a_409() -> None:
    outcomes = at_once(*[functools.partial(Api().post, "users/register/", ALICE)] * 8)

    assert Counter(getattr(outcome, "status_code", outcome) for outcome in outcomes) == {201: 1, 409: 7}
    assert User.objects.count() == UserProfile.objects.count() == 1
