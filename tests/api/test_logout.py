"""POST users/logout/."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from matinee.accounts.models import User
from matinee.accounts.sessions import Tokens, open_session
from tests.api.conftest import Api


@pytest.fixture
def tokens(alice: User) -> Tokens:
    return open_session(user=alice, now=timezone.now())


def test_signing_out_ends_this_session_from_the_next_request_on(api: Api, tokens: Tokens) -> None:
    phone = Api(tokens.access)

    response = phone.post("users/logout/", {"refresh": tokens.refresh})

    assert (response.status_code, response.content) == (204, b"")
    refused = phone.get("users/profile/")
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert refused["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert api.post("users/token/refresh/", {"refresh": tokens.refresh}).status_code == 401


def test_other_devices_stay_signed_in(alice: User, tokens: Tokens) -> None:
    laptop = Api(open_session(user=alice, now=timezone.now()).access)

    Api(tokens.access).post("users/logout/", {"refresh": tokens.refresh})

    assert laptop.get("users/profile/").status_code == 200


@pytest.mark.parametrize("token", ["", "x" * 43, "\u0000"])
def test_an_unknown_refresh_token_ends_the_session_that_asks_all_the_same(tokens: Tokens, token: str) -> None:
    phone = Api(tokens.access)

    assert phone.post("users/logout/", {"refresh": token}).status_code == 204

    assert phone.get("users/profile/").status_code == 401


def test_a_spent_refresh_token_signs_out_as_well(api: Api, tokens: Tokens) -> None:
    successor = api.post("users/token/refresh/", {"refresh": tokens.refresh}).json()

    assert Api(tokens.access).post("users/logout/", {"refresh": tokens.refresh}).status_code == 204

    assert Api(successor["access"]).get("users/profile/").status_code == 401


def test_nobody_signs_out_somebody_else(tokens: Tokens, as_bob: Api) -> None:
    assert as_bob.post("users/logout/", {"refresh": tokens.refresh}).status_code == 204

    assert Api(tokens.access).get("users/profile/").status_code == 200


def test_who_is_not_signed_in_signs_nobody_out(api: Api, tokens: Tokens) -> None:
    assert api.post("users/logout/", {"refresh": tokens.refresh}).status_code == 401

    assert Api(tokens.access).get("users/profile/").status_code == 200


@pytest.mark.parametrize("body", [{}, {"refresh": None}, {"refresh": 1}, {"refresh": "x", "all": True}])
def test_what_can_not_be_is_refused_and_ends_nothing(tokens: Tokens, body: dict[str, Any]) -> None:
    phone = Api(tokens.access)

    assert phone.post("users/logout/", body).status_code == 422

    assert phone.get("users/profile/").status_code == 200
