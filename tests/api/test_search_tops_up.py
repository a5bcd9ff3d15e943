"""GET movies/search/ where the catalogue has too little: answered at once, and the next search shows what TMDb had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.catalog.publication import publish_what_is_stale
from matinee.search.index import refresh_index
from matinee.tmdb import connection
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.sync import synchronise
from tests.api.conftest import MakeMovie, signed_in_as
from tests.api.test_on_demand import certified
from tests.tmdb.payloads import payload

pytestmark = pytest.mark.django_db(transaction=True)

FOUND = "movies/search/?q=zoolander"


@pytest.fixture
def stand_in(settings: Settings, tmp_path: Path, make_movie: MakeMovie) -> Iterator[StandIn]:
    """A TMDb, one of whose films the catalogue has."""
    with StandIn(Films([payload(550, "Fight Club")])).running() as server:
        settings.DATA_DIR, settings.TMDB_STAND_IN = tmp_path, server.url
        mirror()
        server.films = Films([payload(550, "Fight Club"), payload(9_398, "Zoolander")])
        server.asked.clear()
        yield server


def mirror() -> None:
    """What job workers do within seconds."""
    synchronise(connection.new_client(), scope=connection.scope(), clock=timezone.now)
    publish_what_is_stale()
    refresh_index()


def test_the_next_search_shows_what_tmdb_had(alice: User, stand_in: StandIn) -> None:
    as_alice = signed_in_as(alice)

    first = as_alice.get(FOUND).json()["results"]
    asked = len(stand_in.asked)
    mirror()
    second = as_alice.get(FOUND).json()["results"]

    assert (first, asked) == ([], 0)
    assert [film["title"] for film in second] == ["Zoolander"]


def test_it_is_under_the_same_filters_and_ceilings(alice: User, stand_in: StandIn) -> None:
    stand_in.films.by_id[9_398] |= {**certified("R"), "id": 9_398, "title": "Zoolander"}
    as_alice = signed_in_as(alice)
    as_alice.get(FOUND)
    mirror()

    by_genre = as_alice.get(f"{FOUND}&with_genres=99").json()["results"]
    in_full = as_alice.get(FOUND).json()["results"]
    as_alice.patch("users/profile/", {"maturity_ceiling": "US:PG-13"})
    below_the_ceiling = as_alice.get(FOUND).json()["results"]

    assert (by_genre, len(in_full), below_the_ceiling) == ([], 1, [])


@pytest.mark.parametrize("kind", ["500", "slow", "reset", "429"])
def test_a_tmdb_that_fails_is_no_matter_of_the_search(alice: User, stand_in: StandIn, kind: str) -> None:
    stand_in.faults.put(Fault(kind, seconds=30, retry_after="60"))

    answer = signed_in_as(alice).get(FOUND)

    assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert not stand_in.asked
