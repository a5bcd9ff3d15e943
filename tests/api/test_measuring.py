"""Every request is counted and timed by the template of its route, whatever address somebody makes up."""

from __future__ import annotations

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from tests.api.conftest import Api, MakeMovie


def counted(route: str, *, method: str = "GET", status: int = 200) -> float:
    labels = {"route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("matinee_requests_total", labels) or 0.0


def timed(route: str) -> float:
    return REGISTRY.get_sample_value("matinee_request_seconds_count", {"route": route}) or 0.0


def series() -> int:
    return sum(
        len(family.samples)
        for family in REGISTRY.collect()
        if family.name in {"matinee_requests", "matinee_request_seconds"}
    )


def test_a_request_is_counted_and_timed_by_its_route(api: Api, make_movie: MakeMovie) -> None:
    route = "/api/v1/movies/{tmdb_id}/"
    make_movie(603)
    make_movie(604)
    before, times_before = counted(route), timed(route)

    api.get("movies/603/")
    api.get("movies/604/")
    api.get("movies/605/")

    assert counted(route) == before + 2
    assert counted(route, status=404) >= 1
    assert timed(route) == times_before + 3


@pytest.mark.django_db
def test_addresses_that_no_route_takes_are_one_series() -> None:
    client = Client()
    client.get("/made-up/0")
    before, seen = counted("none", status=404), series()

    for number in range(1, 6):
        client.get(f"/made-up/{number}")

    assert counted("none", status=404) == before + 5
    assert series() == seen


@pytest.mark.django_db
def test_methods_that_are_none_are_one_series() -> None:
    client = Client(raise_request_exception=False)
    before = counted("/api/v1/movies/", method="other", status=405)

    for method in ("BREW", "PROPFIND", "x" * 300):
        client.generic(method, "/api/v1/movies/")

    assert counted("/api/v1/movies/", method="other", status=405) == before + 3


@pytest.mark.django_db
def test_the_admins_many_pages_are_one_route() -> None:
    before = timed("/admin/")

    Client().get("/admin/login/")
    Client().get("/admin/catalog/movie/")

    assert timed("/admin/") == before + 2


def test_films_shown_are_counted_by_where_their_json_comes_from(api: Api, make_movie: MakeMovie) -> None:
    def from_rows() -> float:
        return REGISTRY.get_sample_value("matinee_cards_total", {"source": "rows"}) or 0.0

    make_movie(603)
    before = from_rows()

    api.get("movies/603/")

    assert from_rows() == before + 1


def test_recommended_films_are_counted_by_what_speaks_for_them(as_alice: Api, make_movie: MakeMovie) -> None:
    def popular() -> float:
        return REGISTRY.get_sample_value("matinee_recommended_films_total", {"source": "popular"}) or 0.0

    make_movie(603)
    make_movie(604)
    before = popular()

    as_alice.get("movies/recommendations/")

    assert popular() == before + 2
