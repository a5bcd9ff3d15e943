"""GET and DELETE users/sessions/, DELETE users/sessions/{id}/."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import Session, User
from matinee.accounts.origins import Origin
from matinee.accounts.sessions import Tokens, open_session
from tests.api.conftest import PASSWORD, Api
from tests.at_once import at_once

HOUR = dt.timedelta(hours=1)


def opened(user: User, device: str, *, ago: dt.timedelta = dt.timedelta(0)) -> Tokens:
    return open_session(user=user, now=timezone.now() - ago, origin=Origin(device=device, address="192.0.2.7"))


def listed(api: Api, path: str = "users/sessions/") -> list[dict[str, Any]]:
    response = api.get(path)
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-cache"
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def id_of(api: Api, device: str) -> int:
    return next(int(entry["id"]) for entry in listed(api) if entry["device"] == device)


def test_a_person_sees_where_they_are_signed_in_the_latest_use_first(alice: User, bob: User) -> None:
    opened(alice, "Kitchen", ago=HOUR)
    opened(bob, "Garage")
    laptop = Api(opened(alice, "Laptop").access)

    results = listed(laptop)

    assert [(entry["device"], entry["current"]) for entry in results] == [("Laptop", True), ("Kitchen", False)]
    assert results[1].keys() == {
        "id", "device", "address", "created_at", "last_used_at", "expires_at", "current"
    }  # fmt: skip
    assert results[1]["address"] == "192.0.2.7"


def test_what_has_ended_or_expired_is_not_there(alice: User) -> None:
    opened(alice, "Lost", ago=dt.timedelta(days=31))
    phone = Api(opened(alice, "Phone", ago=HOUR / 60).access)
    laptop = Api(opened(alice, "Laptop").access)
    phone.post("users/logout/", {"refresh": ""})

    assert [entry["device"] for entry in listed(laptop)] == ["Laptop"]


@pytest.mark.parametrize(
    ("body", "agent", "told"),
    [
        ({}, "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"),
        ({"device": "Kitchen tablet"}, "Mozilla/5.0", "Kitchen tablet"),
        ({"device": None}, "Mozilla/5.0", "Mozilla/5.0"),
        ({}, "", ""),
        ({}, "x" * 5_000, "x" * 200),
        ({}, "bell \x07 and \x1b[31mred", "bell  and [31mred"),
    ],
)
def test_a_device_is_called_as_it_calls_itself(
    api: Api, alice: User, body: dict[str, Any], agent: str, told: str
) -> None:
    signed_in = api.post("users/login/", {"username": "alice", "password": PASSWORD, **body}, user_agent=agent).json()

    [session] = listed(Api(signed_in["access"]))

    assert (session["device"], session["address"]) == (told, "127.0.0.1")


def test_who_registers_names_the_device_too(api: Api) -> None:
    body = {"email": "alice@example.org", "password": PASSWORD, "device": "T\u00e9l\u00e9"}

    registered = api.post("users/register/", body).json()

    assert [entry["device"] for entry in listed(Api(registered["access"]))] == ["T\u00e9l\u00e9"]


@pytest.mark.parametrize("device", ["x" * 201, "bell \u0007", 5, ["x"]])
@pytest.mark.parametrize("path", ["users/login/", "users/register/"])
def test_what_is_no_name_of_a_device_is_refused_by_name(api: Api, path: str, device: object) -> None:
    response = api.post(path, {"email": "alice@example.org", "password": PASSWORD, "device": device})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["device"]


def test_a_refresh_moves_the_last_use_and_the_address(api: Api, alice: User) -> None:
    tokens = opened(alice, "Phone", ago=HOUR)
    Session.objects.update(address="")
    before = Session.objects.get().last_used_at

    refreshed = api.post("users/token/refresh/", {"refresh": tokens.refresh}).json()

    [session] = listed(Api(refreshed["access"]))
    assert session["address"] == "127.0.0.1"
    assert Session.objects.get().last_used_at > before


def test_one_device_is_signed_out_at_once_and_no_other(api: Api, alice: User) -> None:
    phone, laptop = opened(alice, "Phone"), opened(alice, "Laptop")
    as_alice = Api(laptop.access)

    response = as_alice.delete(f"users/sessions/{id_of(as_alice, 'Phone')}/")

    assert (response.status_code, response.content) == (204, b"")
    assert Api(phone.access).get("users/profile/").status_code == 401
    assert api.post("users/token/refresh/", {"refresh": phone.refresh}).status_code == 401
    assert [entry["device"] for entry in listed(as_alice)] == ["Laptop"]


def test_the_session_that_asks_can_end_itself(alice: User) -> None:
    as_alice = Api(opened(alice, "Laptop").access)

    assert as_alice.delete(f"users/sessions/{id_of(as_alice, 'Laptop')}/").status_code == 204
    assert as_alice.get("users/profile/").status_code == 401


def test_what_is_somebody_elses_unknown_or_over_is_a_404(as_alice: Api, alice: User, bob: User) -> None:
    of_bob = Api(opened(bob, "Garage").access)
    opened(alice, "Lost", ago=dt.timedelta(days=31))
    ended = opened(alice, "Phone")
    Api(ended.access).post("users/logout/", {"refresh": ended.refresh})
    gone = Session.objects.filter(user=alice).exclude(device="").values_list("pk", flat=True)

    for session_id in [id_of(of_bob, "Garage"), *gone, 0, 2**63, 10**30]:
        response = as_alice.delete(f"users/sessions/{session_id}/")

        assert (response.status_code, response.json()["code"]) == (404, "session_not_found")
    assert listed(of_bob)


def test_all_others_are_signed_out_at_once(alice: User, bob: User) -> None:
    phone, tablet, of_bob = opened(alice, "Phone"), opened(alice, "Tablet"), opened(bob, "Garage")
    laptop = Api(opened(alice, "Laptop").access)

    response = laptop.delete("users/sessions/")

    assert (response.status_code, response.content) == (204, b"")
    assert [Api(tokens.access).get("users/profile/").status_code for tokens in (phone, tablet)] == [401, 401]
    assert Api(of_bob.access).get("users/profile/").status_code == 200
    assert [entry["device"] for entry in listed(laptop)] == ["Laptop"]


def test_sessions_come_in_pages_like_every_list(alice: User) -> None:
    for number in range(3):
        opened(alice, f"Device {number}", ago=HOUR * number)
    as_alice = Api(opened(alice, "Laptop").access)

    page = as_alice.get("users/sessions/?page=2&page_size=3").json()

    assert (page["total_pages"], page["total_results"], page["next"]) == (2, 4, None)
    assert [entry["device"] for entry in page["results"]] == ["Device 2"]


def test_a_page_costs_three_queries_however_long(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    as_alice = Api(opened(alice, "Laptop").access)
    for _ in range(2):
        with django_assert_num_queries(3):  # who asks, how many there are, the page
            as_alice.get("users/sessions/")
        for _ in range(20):
            opened(alice, "Phone")


@pytest.mark.parametrize(("method", "path"), [("GET", "sessions/"), ("DELETE", "sessions/"), ("DELETE", "sessions/1/")])
def test_nobody_in_particular_has_no_sessions(api: Api, method: str, path: str) -> None:
    assert api.request(method, f"users/{path}").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_two_devices_that_sign_each_other_out_at_once_never_fail(alice: User) -> None:
    for _ in range(5):
        first, second = (Api(opened(alice, "Device").access) for _ in range(2))

        outcomes = at_once(*[functools.partial(api.delete, "users/sessions/") for api in (first, second)])

        statuses = Counter(getattr(outcome, "status_code", outcome) for outcome in outcomes)
        assert statuses in ({204: 2}, {204: 1, 401: 1})
        assert Session.objects.filter(ended_at=None).count() <= 1
