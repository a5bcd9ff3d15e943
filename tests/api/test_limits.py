"""How often each kind of request may be made, who it is counted for, and what the client is told."""

from __future__ import annotations

import ipaddress
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from django.contrib.sessions.models import Session as AdminSession
from django.test import Client
from django.urls import resolve
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from matinee.api.app import api as matinee_api
from matinee.api.limits import BY_ADDRESS_ALONE
from tests.api.conftest import NOW, PASSWORD, Answer, Api, MakeMovie, signed_in_as

LOGIN = {"username": "nobody", "password": PASSWORD}
ORDINARY_THOUGH_PUBLIC = {"/api/v1/users/token/refresh/"}
"""What it takes can't be guessed."""


@pytest.fixture(autouse=True)
def _one_minute_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these tests goes on into the next."""
    monkeypatch.setattr("matinee.api.limits.time", lambda: 1_800_000_018.5)


@pytest.fixture(autouse=True)
def low(settings: Any) -> dict[str, int]:
    limits = {"register": 2, "sign_in": 3, "admin": 2, "write": 4, "read": 5, "export": 2}
    settings.REQUESTS_A_MINUTE = limits
    return limits


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_over_the_limit_is_a_429_that_tells_when_to_come_back(api: Api) -> None:
    answers = [api.get("movies/genres/") for _ in range(6)]

    assert statuses(answers) == [200] * 5 + [429]
    problem = answers[-1].json()
    assert (problem["code"], "5 requests" in problem["detail"]) == ("too_many_requests", True)
    assert answers[-1]["Retry-After"] == "42"
    assert answers[-1]["RateLimit"] == '"read";r=0;t=42'


def test_every_answer_tells_the_limit_and_what_is_left_of_it(api: Api) -> None:
    fresh = api.get("movies/genres/")
    unchanged = api.get("movies/genres/", if_none_match=fresh["ETag"])
    unknown = api.get("movies/999/")

    assert statuses([fresh, unchanged, unknown]) == [200, 304, 404]
    for left, answer in zip((4, 3, 2), (fresh, unchanged, unknown), strict=True):
        assert answer["RateLimit-Policy"] == '"read";q=5;w=60'
        assert answer["RateLimit"] == f'"read";r={left};t=42'


def test_people_are_counted_one_by_one_wherever_they_ask_from(alice: User, bob: User) -> None:
    as_alice, as_alice_elsewhere, as_bob = signed_in_as(alice), signed_in_as(alice), signed_in_as(bob)
    as_alice_elsewhere.client.defaults["REMOTE_ADDR"] = "198.51.100.7"

    for _ in range(2):
        as_alice.get("users/profile/")
        as_alice_elsewhere.get("users/profile/")

    assert as_alice.get("users/profile/").status_code == 200
    assert as_alice_elsewhere.get("users/profile/").status_code == 429
    assert as_bob.get("users/profile/").status_code == 200
    assert Api().get("movies/genres/").status_code == 200, "nobody in particular is counted apart"


def test_reads_are_drawn_in_leases_and_what_is_written_or_guessed_is_counted_exactly(
    as_alice: Api, alice: User, low: dict[str, int], settings: Settings
) -> None:
    low.update(dict.fromkeys(low, 50))
    with closing(sqlite3.connect(settings.LIMITS_FILE)) as counters:
        as_alice.get("users/profile/")
        as_alice.patch("users/profile/", {"bio": "Slow films."})
        as_alice.post("users/login/", LOGIN)

        used = dict(counters.execute("SELECT key, used FROM hits").fetchall())

    assert used == {f"read:{alice.pk}": 5, f"write:{alice.pk}": 1, "sign_in:127.0.0.1/32": 1}


def test_exports_which_cost_as_much_as_a_thousand_reads_are_few(alice: User, bob: User) -> None:
    as_alice, as_bob = signed_in_as(alice), signed_in_as(bob)

    exports = [as_alice.get("users/export/") for _ in range(3)]

    assert statuses(exports) == [200, 200, 429]
    assert exports[0]["RateLimit-Policy"] == '"export";q=2;w=60'
    assert as_bob.get("users/export/").status_code == 200
    assert as_alice.get("users/profile/").status_code == 200


def test_writes_and_reads_are_counted_apart(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)

    writes = [as_alice.post("movies/favorites/", {"movie_id": 603}) for _ in range(5)]

    assert statuses(writes) == [201, 200, 200, 200, 429]
    assert as_alice.get("movies/favorites/").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "limit"),
    [("users/login/", LOGIN, 3), ("users/register/", {"email": "a", "password": "b"}, 2)],
)
def test_guessing_and_making_up_accounts_is_counted_by_address_whoever_asks(
    as_alice: Api, as_bob: Api, path: str, body: dict[str, str], limit: int
) -> None:
    everybody = [as_alice, as_bob, Api(), Api()]
    answers = [everybody[number % 4].post(path, body) for number in range(limit + 1)]

    assert statuses(answers)[-1] == 429
    assert 429 not in statuses(answers)[:-1]
    elsewhere = Api()
    elsewhere.client.defaults["REMOTE_ADDR"] = "198.51.100.7"
    assert elsewhere.post(path, body).status_code != 429


def test_a_household_of_ipv6_addresses_is_one_address() -> None:
    for number in range(6):
        household = Api()
        household.client.defaults["REMOTE_ADDR"] = f"2001:db8:1:2::{number}"
        last = household.get("movies/nowhere/")

    assert last.status_code == 429


def test_no_header_makes_a_client_another_one(api: Api) -> None:
    answers = [
        api.get("movies/genres/", x_forwarded_for=f"10.0.0.{number}", forwarded=f"for=10.0.0.{number}", x_real_ip="::1")
        for number in range(6)
    ]

    assert statuses(answers)[-1] == 429


def test_behind_a_proxy_of_ours_clients_are_told_apart(api: Api, settings: Any) -> None:
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("127.0.0.1"),)

    one = [api.get("movies/genres/", x_forwarded_for=f"6.6.6.{number}, 198.51.100.7") for number in range(6)]
    other = api.get("movies/genres/", x_forwarded_for="198.51.100.8")

    assert (statuses(one)[-1], other.status_code) == (429, 200)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nowhere/", 404),
        ("PUT", "movies/", 405),
        ("GET", "movies/?page=x", 400),
        ("HEAD", "movies/genres/", 200),
    ],
)
def test_what_no_operation_takes_is_counted_too(api: Api, method: str, path: str, status: int) -> None:
    answers = [api.request(method, path) for _ in range(6)]

    assert statuses(answers)[:4] == [status] * 4
    assert statuses(answers)[-1] == 429


def test_bad_tokens_are_counted_by_address(api: Api) -> None:
    api.token = "forged"

    assert statuses([api.get("users/profile/") for _ in range(6)]) == [401] * 5 + [429]


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_are_never_counted(db: None, path: str) -> None:
    answers = [Client().get(path) for _ in range(20)]

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert not any("RateLimit" in answer for answer in answers)


def test_signing_in_to_the_admin_has_a_limit_of_its_own(db: None) -> None:
    client = Client(raise_request_exception=False)

    tries = [client.post("/admin/login/", {"username": "root", "password": "guess"}) for _ in range(3)]

    assert [answer.status_code for answer in tries] == [200, 200, 429]
    assert client.get("/admin/login/").status_code == 200


def test_who_is_over_it_is_not_signed_in_by_the_right_password_either(db: None) -> None:
    create_user(email="root@example.org", username="root", password=PASSWORD, now=NOW, is_staff=True)
    client = Client(raise_request_exception=False)

    for password in ("guess", "guess", PASSWORD):
        answer = client.post("/admin/login/", {"username": "root", "password": password})

    assert answer.status_code == 429
    assert not AdminSession.objects.exists()


def test_a_limit_of_0_is_none(api: Api, low: dict[str, int]) -> None:
    low["read"] = 0

    answers = [api.get("movies/genres/") for _ in range(10)]

    assert statuses(answers) == [200] * 10
    assert "RateLimit" not in answers[0]


def test_every_public_route_that_writes_has_been_given_its_kind() -> None:
    routes = {
        path: operation["operationId"]
        for path, methods in matinee_api.get_openapi_schema()["paths"].items()
        for method, operation in methods.items()
        if method != "get" and {} in operation["security"]
    }
    names = {resolve(path).url_name for path in routes if path not in ORDINARY_THOUGH_PUBLIC}

    asks_for_the_password = {"password_change", "email_change"}
    assert names | asks_for_the_password == set(BY_ADDRESS_ALONE)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("password/reset/", "register"),
        ("password/reset/confirm/", "sign_in"),
        ("password/change/", "sign_in"),
        ("email/change/", "sign_in"),
        ("email/verify/", "sign_in"),
    ],
)
def test_what_mails_or_can_be_guessed_is_counted_as_registering_and_signing_in_are(
    as_alice: Api, path: str, kind: str, low: dict[str, int]
) -> None:
    answers = [as_alice.post(f"users/{path}", {}) for _ in range(low[kind] + 1)]

    assert statuses(answers) == [422] * low[kind] + [429]
    assert answers[0]["RateLimit-Policy"] == f'"{kind}";q={low[kind]};w=60'
