"""A TMDb on this machine, with three films, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee.catalog.models import Genre
from matinee.tmdb.client import Access, Client
from matinee.tmdb.pace import Pace
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.transport import Origins, Transport
from tests.tmdb.catalogue import Clock
from tests.tmdb.payloads import payload


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    films = [payload(603, "The Matrix", popularity=60.0), payload(550, "Fight Club"), payload(949, "Heat")]
    with StandIn(Films(films)).running() as server:
        yield server


@pytest.fixture
def pace(tmp_path: Path) -> Pace:
    """Quick, so that no test waits for its turn."""
    return Pace(tmp_path / "tmdb-pace", per_second=2_000)


@pytest.fixture
def client(stand_in: StandIn, pace: Pace) -> Client:
    return client_of(stand_in, pace)


@pytest.fixture
def next_client(stand_in: StandIn, tmp_path: Path) -> Client:
    """Of the process that comes after one which was stopped."""
    return client_of(stand_in, Pace(tmp_path / "tmdb-pace", per_second=2_000))


@pytest.fixture
def clock(transactional_db: None) -> Clock:
    """And no genres, which are there or not by what ran before: a migration brings some, a flush takes them."""
    Genre.objects.all().delete()
    return Clock()


def client_of(stand_in: StandIn, pace: Pace) -> Client:
    access = Access(token="token-of-the-test", language="en-US")
    return Client(access, transport=Transport(Origins.of_stand_in(stand_in.url)), pace=pace)
