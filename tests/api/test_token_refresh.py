"""POST users/token/refresh/."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from matinee.accounts.models import User
from matinee.accounts.sessions import Tokens, open_session
from tests.api.conftest import Answer, Api
from tests.at_once import at_once


@pytest.fixture
def tokens(alice: User) -> Tokens:
    return open_session(user=alice, now=timezone.now())


def refresh(api: Api, token: str) -> Answer:
    return api.post("users/token/refresh/", {"refresh": token})


def test_a_refresh_token_gives_the_next_pair(api: Api, tokens: Tokens) -> None:
    response = refresh(api, tokens.refresh)

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    assert answer.keys() == {"access", "refresh", "token_type", "expires_in"}
    assert answer["refresh"] != tokens.refresh
    assert Api(answer["access"]).get("users/profile/").status_code == 200


def test_a_spent_token_that_comes_back_ends_its_session(api: Api, alice: User, tokens: Tokens) -> None:
    other_device = open_session(user=alice, now=timezone.now())
    successor = refresh(api, tokens.refresh).json()

    replay = refresh(api, tokens.refresh)

    assert (replay.status_code, replay.json()["code"]) == (401, "invalid_refresh_token")
    assert replay["WWW-Authenticate"] == "Bearer"
    assert refresh(api, successor["refresh"]).status_code == 401
    for access in (tokens.access, successor["access"]):
        assert Api(access).get("users/profile/").status_code == 401
    assert Api(other_device.access).get("users/profile/").status_code == 200
    assert refresh(api, other_device.refresh).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\u0000", "\u00e9" * 43])
def test_an_unknown_token_is_a_401(api: Api, token: str) -> None:
    assert refresh(api, token).status_code == 401


@pytest.mark.parametrize("body", [{}, {"refresh": None}, {"refresh": 1}, {"refresh": "x" * 10_000}, {"refresh": ["x"]}])
def test_what_is_no_token_is_refused_by_name(api: Api, body: dict[str, Any]) -> None:
    response = api.post("users/token/refresh/", body)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["refresh"]


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_exactly_one_gets_the_next_pair(alice: User) -> None:
    for _ in range(4):
        tokens = open_session(user=alice, now=timezone.now())

        outcomes = at_once(*[functools.partial(refresh, Api(), tokens.refresh)] * 8)

        assert Counter(getattr(outcome, "status_code", outcome) for outcome in outcomes) == {200: 1, 401: 7}
        assert Api(tokens.access).get("users/profile/").status_code == 401
