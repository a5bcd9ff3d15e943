"""A film that the catalogue lacks comes from TMDb on every route that names one; a TMDb that is down is a 503."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.api.turns import Turns
from matinee.catalog.models import Movie
from matinee.catalog.publication import publish_what_is_stale
from matinee.tmdb.connection import pace
from matinee.tmdb.models import Lookup
from matinee.tmdb.services import fetch
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from tests.api.conftest import NOW, Api, signed_in_as
from tests.exchanges import brought
from tests.operations.processes import eventually
from tests.tmdb.payloads import payload

ROUTES = [
    ("GET", "movies/603/", None, 200),
    ("GET", "movies/603/similar/", None, 200),
    ("GET", "movies/603/reviews/", None, 200),
    ("GET", "movies/603/rate/", None, 200),
    ("POST", "movies/603/rate/", {"rating": 5}, 201),
    ("POST", "movies/favorites/", {"movie_id": 603}, 201),
    ("POST", "movies/watchlist/", {"tmdb_id": 603}, 201),
    ("PUT", "movies/recommendations/603/dismiss/", None, 204),
]
EVERY_ROUTE = pytest.mark.parametrize(
    ("method", "path", "body", "status"), ROUTES, ids=[f"{route[0]} {route[1]}" for route in ROUTES]
)


@pytest.fixture
def stand_in(settings: Settings, tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(Films([payload(603, "The Matrix")])).running() as server:
        settings.DATA_DIR = tmp_path
        settings.TMDB_STAND_IN = server.url
        yield server


@EVERY_ROUTE
def test_the_film_is_fetched_and_the_request_goes_on(
    as_alice: Api, stand_in: StandIn, method: str, path: str, body: Any, status: int
) -> None:
    answer = as_alice.request(method, path, body)

    assert answer.status_code == status
    assert Movie.objects.get().title == "The Matrix"
    assert len(stand_in.asked) == 1


@EVERY_ROUTE
def test_a_tmdb_that_is_down_is_a_503_with_retry_after_and_no_empty_row(
    as_alice: Api, stand_in: StandIn, method: str, path: str, body: Any, status: int
) -> None:
    stand_in.faults.put(Fault("500"))

    answer = as_alice.request(method, path, body)

    assert (answer.status_code, answer.json()["code"]) == (503, "tmdb_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert not Movie.objects.exists()


@EVERY_ROUTE
def test_a_film_that_nobody_has_is_a_404(
    as_alice: Api, stand_in: StandIn, method: str, path: str, body: Any, status: int
) -> None:
    stand_in.films.by_id.clear()

    answer = as_alice.request(method, path, body)

    assert (answer.status_code, answer.json()["code"]) == (404, "movie_not_found")


@pytest.fixture
def _published(db: None) -> None:
    """Artifacts that know nothing of the film, and will not for a while."""
    publish_what_is_stale()


@pytest.mark.parametrize("whose", ["mine", "the instance's"])
@pytest.mark.usefixtures("_published")
@EVERY_ROUTE
def test_a_ceiling_hides_no_film_that_is_fetched_and_below_it(
    as_alice: Api, stand_in: StandIn, settings: Settings, whose: str, method: str, path: str, body: Any, status: int
) -> None:
    stand_in.films.by_id[603] = certified("PG")
    set_ceiling(as_alice, settings, whose)

    answers = [as_alice.request(method, path, body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [status, 200 if status == 201 else status]
    assert len(stand_in.asked) == 1


@pytest.mark.parametrize("whose", ["mine", "the instance's"])
@pytest.mark.usefixtures("_published")
@EVERY_ROUTE
def test_nor_shows_one_that_is_above_it(
    as_alice: Api, stand_in: StandIn, settings: Settings, whose: str, method: str, path: str, body: Any, status: int
) -> None:
    stand_in.films.by_id[603] = certified("R")
    set_ceiling(as_alice, settings, whose)

    answers = [as_alice.request(method, path, body) for _ in range(2)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "movie_not_found")] * 2
    assert len(stand_in.asked) == 1


def certified(certification: str) -> dict[str, Any]:
    cinemas = {"iso_3166_1": "US", "release_dates": [{"certification": certification, "type": 3}]}
    return payload(603, "The Matrix", release_dates={"results": [cinemas]})


def set_ceiling(person: Api, settings: Settings, whose: str) -> None:
    if whose == "mine":
        person.patch("users/profile/", {"maturity_ceiling": "US:PG-13"})
    else:
        settings.MATURITY_CEILING = "US:PG-13"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["movies/603/rate/", "movies/favorites/"])
def test_a_request_with_a_key_fetches_before_its_transaction_and_is_done_once(
    alice: User, stand_in: StandIn, path: str
) -> None:
    as_alice = signed_in_as(alice)
    body = {"rating": 5} if "rate" in path else {"movie_id": 603}

    first = as_alice.post(path, body, Idempotency_Key="k1")
    again = as_alice.post(path, body, Idempotency_Key="k1")

    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert len(stand_in.asked) == 1


@pytest.mark.django_db(transaction=True)
def test_a_request_with_a_key_for_a_film_that_tmdb_has_under_another_id_is_a_404(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.films.put(payload(949, "Heat"), day=NOW.date())
    stand_in.films.merge(949, into=603, day=NOW.date())

    answer = signed_in_as(alice).post("movies/favorites/", {"movie_id": 949}, Idempotency_Key="k1")

    assert answer.status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_request_with_a_key_that_could_not_be_done_may_be_tried_again(alice: User, stand_in: StandIn) -> None:
    as_alice = signed_in_as(alice)
    stand_in.faults.put(Fault("500"))
    failed = as_alice.post("movies/favorites/", {"movie_id": 603}, Idempotency_Key="k1")
    stand_in.faults.clear()
    pace().succeeded()
    Lookup.objects.all().delete()

    done = as_alice.post("movies/favorites/", {"movie_id": 603}, Idempotency_Key="k1")

    assert (failed.status_code, done.status_code) == (503, 201)


@pytest.mark.django_db(transaction=True)
def test_others_have_their_turn_while_one_waits_for_tmdb(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("slow", seconds=1.0))
    answered: list[str] = []

    def work(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/far":
            fetch(603)
        answered.append(environ["PATH_INFO"])
        connections["default"].close()
        return []

    turns = Turns(work, at_once=1)
    far, near = (
        threading.Thread(target=brought, args=(turns,), kwargs={"PATH_INFO": path}) for path in ("/far", "/near")
    )
    far.start()
    assert eventually(lambda: bool(stand_in.asked), within=20)
    near.start()
    for thread in (near, far):
        thread.join(20)

    assert answered == ["/near", "/far"]
    assert Movie.objects.get().tmdb_id == 603


def test_a_film_that_is_there_is_answered_while_tmdb_is_down(as_alice: Api, stand_in: StandIn) -> None:
    as_alice.get("movies/603/")
    stand_in.faults.put(Fault("500"))

    assert as_alice.get("movies/603/").status_code == 200
    assert as_alice.post("movies/favorites/", {"movie_id": 603}).status_code == 201
    assert len(stand_in.asked) == 1


def test_reads_that_name_no_film_ask_tmdb_nothing(as_alice: Api, stand_in: StandIn) -> None:
    for path in ("movies/", "movies/search/?q=matrix", "movies/suggest/?q=ma", "movies/trending/", "movies/genres/"):
        assert as_alice.get(path).status_code == 200

    assert not stand_in.asked


def test_taking_a_film_off_a_list_asks_tmdb_nothing(as_alice: Api, stand_in: StandIn) -> None:
    assert as_alice.delete("movies/favorites/603/").status_code == 204
    assert as_alice.delete("movies/603/rate/").status_code == 204

    assert not stand_in.asked
