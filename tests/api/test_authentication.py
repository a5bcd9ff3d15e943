"""Who is asking: the Authorization header, on routes that need it and on those that do not."""

from __future__ import annotations

import datetime as dt
from typing import cast

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import PersonState, Session, User, UserProfile
from matinee.accounts.sessions import open_session
from matinee.api.authentication import (
    NotSignedIn,
    SignedInRequest,
    cards_standing,
    ceiling_of,
    maybe_signed_in,
    person,
    reader_of,
    signed_in,
)
from matinee.catalog.cards import Standing
from matinee.catalog.ceiling import own_ceiling
from tests.api.conftest import Api, MakeMovie

PRIVATE, PUBLIC = "users/profile/", "movies/603/"


@pytest.fixture(autouse=True)
def film(make_movie: MakeMovie) -> None:
    make_movie(603)


def test_without_a_token_public_routes_answer_and_private_ones_ask_for_it(api: Api) -> None:
    assert api.get(PUBLIC).status_code == 200
    response = api.get(PRIVATE)
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Bearer"


def test_with_a_token_both_answer(as_alice: Api) -> None:
    assert as_alice.get(PUBLIC).status_code == 200
    assert as_alice.get(PRIVATE).status_code == 200


@pytest.mark.parametrize("path", [PRIVATE, PUBLIC])
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic YWxpY2U6eA==", "Token abc", "bearer", "Bearer {} {}", "{}"],
)
def test_whatever_else_is_sent_is_a_401_on_both(alice: User, path: str, header: str) -> None:
    access = open_session(user=alice, now=timezone.now()).access

    response = Api().get(path, authorization=header.format(access, access))

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_what_is_no_bearer_token_is_told_what_it_should_be(api: Api) -> None:
    answer = api.get(PRIVATE, authorization="Basic YWxpY2U6eA==")

    assert answer.json()["detail"] == "Authorization must be: Bearer, a space, and an access token."


def test_spaces_around_a_token_are_none_of_it(alice: User) -> None:
    access = open_session(user=alice, now=timezone.now()).access

    assert Api().get(PRIVATE, authorization=f"Bearer   {access}  ").status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_without_regard_to_case(alice: User, scheme: str) -> None:
    access = open_session(user=alice, now=timezone.now()).access

    assert Api().get(PRIVATE, authorization=f"{scheme} {access}").status_code == 200


@pytest.mark.parametrize("path", [PRIVATE, PUBLIC])
def test_an_expired_token_is_a_401_on_both(alice: User, path: str) -> None:
    access = open_session(user=alice, now=timezone.now() - dt.timedelta(minutes=16)).access

    assert Api(access).get(path).status_code == 401


def test_an_account_that_is_switched_off_is_out_with_the_next_request(as_alice: Api, alice: User) -> None:
    alice.is_active = False
    alice.save()

    assert [as_alice.get(path).status_code for path in (PRIVATE, PUBLIC)] == [401, 401]


def test_knowing_who_asks_costs_one_query(
    api: Api, as_alice: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):  # who asks, and the profile
        as_alice.get(PRIVATE)
    with django_assert_num_queries(0):
        api.get(PRIVATE)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_read_knows_how_things_stood_when_it_was_asked_who_asks_and_a_write_does_not(
    alice: User, method: str
) -> None:
    UserProfile.objects.filter(user=alice).update(maturity_ceiling="US:R")
    access = open_session(user=alice, now=timezone.now()).access
    request = RequestFactory().generic(method, "/", headers={"Authorization": f"Bearer {access}"})

    user = signed_in(request)

    assert isinstance(user, User)
    of_a_read = (PersonState.objects.get(user=alice).version, Standing(version=None, pending=frozenset({603})))
    assert (user.state_version, cards_standing(request)) == (of_a_read if method == "GET" else (None, None))
    assert ceiling_of(request) == own_ceiling("US:R")
    assert cast("SignedInRequest", request).session_id == Session.objects.get().pk


def test_of_a_request_of_nobody_nothing_is_known() -> None:
    request = RequestFactory().get("/")

    assert isinstance(maybe_signed_in(request), AnonymousUser)
    assert signed_in(request) is None
    assert (ceiling_of(request), cards_standing(request)) == (own_ceiling(None), None)


def test_a_route_that_forgot_to_ask_lets_nobody_in() -> None:
    request = RequestFactory().get("/")

    assert reader_of(request) is None
    with pytest.raises(NotSignedIn, match=r"^This needs a valid access token\.$"):
        person(request)
