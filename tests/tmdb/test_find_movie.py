"""A film that is asked for and not there comes from TMDb: once, in time, whole or not at all."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from matinee.catalog.lookup import UnknownMovie, find_pk
from matinee.catalog.models import Movie
from matinee.tmdb.connection import pace
from matinee.tmdb.models import Lookup, QuarantinedFilm
from matinee.tmdb.services import AT_ONCE, SECONDS, FilmWanted, TmdbUnavailable, fetch, find_movie
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.server import StandIn
from tests.at_once import at_once
from tests.tmdb.payloads import payload

pytestmark = pytest.mark.django_db(transaction=True)

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _configured(settings: Settings, stand_in: StandIn, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.TMDB_STAND_IN = stand_in.url


def asking(tmdb_id: int) -> Callable[[], int]:
    return lambda: find_movie(tmdb_id, by=find_pk)


def test_a_film_that_is_there_costs_one_query_and_no_request(stand_in: StandIn) -> None:
    film = Movie.objects.create(tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)

    with CaptureQueriesContext(connection) as queries:
        assert find_movie(603, by=find_pk) == film.pk

    assert len(queries) == 1
    assert not stand_in.asked


def test_a_film_that_is_not_there_is_fetched_whole(stand_in: StandIn) -> None:
    pk = find_movie(603, by=find_pk)

    matrix = Movie.objects.get(pk=pk)
    assert (matrix.tmdb_id, matrix.title, matrix.runtime, matrix.cast) == (603, "The Matrix", 136, ["Keanu Reeves"])
    assert len(stand_in.asked) == 1
    assert not Lookup.objects.exists()


def test_however_many_ask_at_once_tmdb_is_asked_once(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("slow", seconds=0.3))

    found = at_once(*[asking(603)] * 8)

    assert found == [Movie.objects.get().pk] * 8
    assert len(stand_in.asked) == 1


def test_a_film_that_tmdb_does_not_have_is_unknown_and_not_asked_for_again(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("slow", seconds=0.2))

    refusals = at_once(*[asking(5)] * 5)
    with pytest.raises(UnknownMovie):
        find_movie(5, by=find_pk)

    assert [type(refusal) for refusal in refusals] == [UnknownMovie] * 5
    assert len(stand_in.asked) == 1
    assert not Movie.objects.exists()


def test_it_is_asked_for_again_when_that_is_long_ago(stand_in: StandIn) -> None:
    Lookup.objects.create(tmdb_id=603, state=Lookup.State.MISSING, until=NOW)

    assert find_movie(603, by=find_pk)


@pytest.mark.parametrize("tmdb_id", [0, -1, 2**31, 2**63])
def test_what_can_be_no_id_is_not_asked_for(stand_in: StandIn, tmdb_id: int) -> None:
    with pytest.raises(UnknownMovie):
        find_movie(tmdb_id, by=find_pk)

    assert not stand_in.asked


def test_without_tmdb_an_unknown_film_is_unknown(settings: Settings, stand_in: StandIn) -> None:
    settings.TMDB_STAND_IN = ""

    with pytest.raises(UnknownMovie):
        find_movie(603, by=find_pk)

    assert not stand_in.asked
    assert not Lookup.objects.exists()


@pytest.mark.parametrize("kind", ["reset", "500", "html", "half", "429", "401"])
def test_a_tmdb_that_does_not_answer_is_told_and_not_asked_again_at_once(stand_in: StandIn, kind: str) -> None:
    stand_in.faults.put(Fault(kind, retry_after="50"))

    with pytest.raises(TmdbUnavailable):
        find_movie(603, by=find_pk)
    asked = len(stand_in.asked)
    with pytest.raises(TmdbUnavailable):
        find_movie(603, by=find_pk)

    assert 1 <= asked == len(stand_in.asked) <= 3
    assert not Movie.objects.exists()


def test_it_comes_back_by_itself(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("500"))
    with pytest.raises(TmdbUnavailable):
        find_movie(603, by=find_pk)

    stand_in.faults.clear()
    pace().succeeded()
    Lookup.objects.update(until=NOW)

    assert find_movie(603, by=find_pk)


def test_a_slow_tmdb_is_given_up_within_the_time_of_a_request(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("slow", seconds=SECONDS * 3))
    began_at = time.monotonic()

    refusals = at_once(*[asking(603)] * 3)

    assert [type(refusal) for refusal in refusals] == [TmdbUnavailable] * 3
    assert time.monotonic() - began_at < SECONDS * 3  # a bound of the code's own, far from what it takes


@pytest.mark.parametrize("kind", ["wrong-types", "nan", "nul", "huge", "redirect"])
def test_an_answer_that_does_not_fit_makes_no_film(stand_in: StandIn, kind: str) -> None:
    stand_in.faults.put(Fault(kind))

    with pytest.raises(UnknownMovie):
        find_movie(603, by=find_pk)

    assert not Movie.objects.exists()
    assert QuarantinedFilm.objects.get().tmdb_id == 603


def test_a_merged_film_is_kept_under_its_new_id(stand_in: StandIn) -> None:
    stand_in.films.merge(949, into=603, day=NOW.date())

    with pytest.raises(UnknownMovie):
        find_movie(949, by=find_pk)

    assert find_movie(603, by=find_pk) == Movie.objects.get().pk
    assert len(stand_in.asked) == 1


def test_a_film_of_a_kind_that_is_left_out_is_unknown(settings: Settings, stand_in: StandIn) -> None:
    stand_in.films.put(payload(7, "Of that kind", adult=True), day=NOW.date())

    with pytest.raises(UnknownMovie):
        find_movie(7, by=find_pk)
    settings.TMDB_INCLUDE = frozenset({"adult"})
    Lookup.objects.all().delete()

    assert find_movie(7, by=find_pk)


def test_few_ask_at_once_so_that_reads_find_a_worker(stand_in: StandIn) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    for tmdb_id in range(1, AT_ONCE + 1):
        Lookup.objects.create(tmdb_id=tmdb_id, state=Lookup.State.ASKING, until=later)

    with pytest.raises(TmdbUnavailable, match="several films"):
        find_movie(603, by=find_pk)

    assert not stand_in.asked


def test_one_who_vanished_while_asking_is_not_waited_for_long(stand_in: StandIn) -> None:
    Lookup.objects.create(tmdb_id=603, state=Lookup.State.ASKING, until=NOW)

    assert find_movie(603, by=find_pk)


def test_tmdb_is_never_asked_inside_a_transaction(stand_in: StandIn) -> None:
    with pytest.raises(FilmWanted), transaction.atomic():
        find_movie(603, by=find_pk)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        fetch(603)

    assert not stand_in.asked
    assert Lookup.objects.count() == 0
