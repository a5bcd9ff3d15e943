"""Who may look inside, of all that a request can say."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from matinee.operations.access import may_see_inside

TOKEN = "a long token of metrics"


@pytest.fixture(autouse=True)
def _in_production(settings: Settings) -> None:
    settings.MODE, settings.METRICS_TOKEN = "production", TOKEN


def seen(address: str, **headers: str) -> bool:
    return may_see_inside(RequestFactory().get("/metrics", headers=headers, REMOTE_ADDR=address))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_who_asks_on_this_machine_sees(address: str) -> None:
    assert seen(address)


@pytest.mark.parametrize("address", ["203.0.113.7", "10.0.0.1", "127.0.0.2", "::2", ""])
def test_who_asks_from_elsewhere_does_not(address: str) -> None:
    assert not seen(address)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_who_comes_through_a_proxy_on_this_machine_does_not(header: str) -> None:
    assert not seen("127.0.0.1", **{header: "for=127.0.0.1"})


def test_with_the_token_anybody_sees() -> None:
    assert seen("203.0.113.7", Authorization=f"Bearer {TOKEN}")
    assert seen("127.0.0.1", Authorization=f"Bearer {TOKEN}", Forwarded="for=203.0.113.7")


@pytest.mark.parametrize(
    "given", ["", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN} ", f"Bearer {TOKEN[:-1]}", "Bearer é"]
)
def test_with_anything_like_it_nobody_does(given: str) -> None:
    assert not seen("203.0.113.7", Authorization=given)


@pytest.mark.parametrize("given", ["Bearer None", "Bearer ", "None", ""])
def test_where_no_token_is_set_none_opens(settings: Settings, given: str) -> None:
    settings.METRICS_TOKEN = None

    assert not seen("203.0.113.7", Authorization=given)
    assert seen("127.0.0.1", Authorization=given)


@pytest.mark.parametrize("mode", ["embedded", "development"])
def test_outside_of_production_everybody_sees(settings: Settings, mode: str) -> None:
    settings.MODE = mode

    assert seen("203.0.113.7")
