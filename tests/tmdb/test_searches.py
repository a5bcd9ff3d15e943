"""What is searched for in vain is looked for at TMDb by the next run: once for all who type it, and within bounds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from matinee.core.jobs.schedule import registered
from matinee.tmdb import lease, planning, searches
from matinee.tmdb.client import Client
from matinee.tmdb.connection import MirrorScope
from matinee.tmdb.connection import pace as pace_of_this_machine
from matinee.tmdb.failures import TokenRefused
from matinee.tmdb.models import SyncLease, WantedFilm, WantedSearch
from matinee.tmdb.searches import ANSWERED_FOR, ASKED_WITHIN, FAILED_FOR, MOST_FILMS, are_waiting, want_search
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.sync import TmdbUnwell
from matinee.tmdb.tasks import forget_expired_searches
from tests.at_once import at_once
from tests.tmdb.catalogue import NOON, Clock, asked_films, mirrored, titles
from tests.tmdb.payloads import payload

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "/3/search/movie"
FEW = MirrorScope(films=3, adult=False, video=False)


@pytest.fixture(autouse=True)
def _configured(
    settings: Settings, stand_in: StandIn, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    settings.TMDB_STAND_IN = stand_in.url
    monkeypatch.setattr("django.utils.timezone.now", clock)


@pytest.fixture
def filled(client: Client, clock: Clock, stand_in: StandIn) -> StandIn:
    """The catalogue has TMDb's films, and then TMDb got one more."""
    mirrored(client, clock)
    stand_in.films.put(payload(604, "The Matrix Reloaded"), day=NOON.date())
    stand_in.asked.clear()
    return stand_in


def test_the_next_run_brings_what_tmdb_finds(filled: StandIn, client: Client, clock: Clock) -> None:
    want_search("matrix reloaded", now=NOON)

    stored = mirrored(client, clock)

    assert stored.added == 1
    assert titles()[604] == "The Matrix Reloaded"
    asked = filled.asked_for(SEARCH)
    assert [one.query["query"] for one in asked] == ["matrix reloaded"]
    assert asked[0].query["include_adult"] == "false"


def test_a_film_that_the_catalogue_has_is_not_asked_for_again(filled: StandIn, client: Client, clock: Clock) -> None:
    want_search("matrix", now=NOON)

    mirrored(client, clock)

    assert asked_films(filled) == [604]


def test_tmdb_is_asked_once_a_day_for_everybody_who_types_the_same(
    filled: StandIn, client: Client, clock: Clock
) -> None:
    at_once(*[lambda: want_search("matrix reloaded", now=NOON)] * 6)
    mirrored(client, clock)
    want_search("matrix reloaded", now=NOON + ANSWERED_FOR - dt.timedelta(seconds=1))
    mirrored(client, clock)
    once = len(filled.asked_for(SEARCH))

    clock.now += ANSWERED_FOR
    want_search("matrix reloaded", now=clock())
    mirrored(client, clock)

    assert (once, len(filled.asked_for(SEARCH))) == (1, 2)


def test_what_was_typed_is_gone_once_tmdb_was_asked_and_the_row_a_day_later(client: Client, clock: Clock) -> None:
    want_search("what nobody else may read", now=NOON)
    mirrored(client, clock)
    kept = list(WantedSearch.objects.values_list("words", flat=True))

    clock.now += ANSWERED_FOR
    forget_expired_searches.call()

    assert kept == [""]
    assert not WantedSearch.objects.exists()


@pytest.mark.parametrize("off", [{"TMDB_STAND_IN": ""}, {"TMDB_SEARCH": False}], ids=["no token", "no search"])
def test_what_was_typed_is_gone_after_ten_minutes_though_tmdb_is_never_asked(
    settings: Settings, clock: Clock, off: dict[str, object]
) -> None:
    want_search("what nobody else may read", now=NOON)
    for name, value in off.items():
        setattr(settings, name, value)
    [periodic] = [one for one in registered() if one.task == forget_expired_searches]
    assert periodic.when is not None

    early = periodic.when(), periodic.task.call()
    clock.now += ASKED_WITHIN
    late = periodic.when(), periodic.task.call()

    assert (early, late) == ((False, 0), (True, 1))
    assert not WantedSearch.objects.exists()


def test_films_that_somebody_waits_for_come_before_all_others(filled: StandIn, client: Client, clock: Clock) -> None:
    WantedFilm.objects.bulk_create([WantedFilm(tmdb_id=number, rank=number) for number in (5, 604)])
    held = lease.take(holder="this run", now=clock())
    want_search("reloaded", now=NOON)

    searches.answer_searches(client, held, scope=FEW, clock=clock)

    assert list(WantedFilm.objects.order_by("rank").values_list("tmdb_id", flat=True)) == [604, 5]


def test_a_search_during_a_run_is_answered_in_it(
    stand_in: StandIn, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.tmdb.sync.BATCH", 1)
    stand_in.films.put(payload(7, "Too rare for a fill", popularity=0.0), day=NOON.date())

    def search(_: object) -> None:
        want_search("too rare", now=NOON)

    mirrored(client, clock, scope=FEW, on_progress=search)

    assert 7 in titles()


@pytest.mark.parametrize("kind", ["500", "reset", "html", "wrong-types", "no-json", "429"])
def test_a_tmdb_that_fails_is_asked_again_after_a_while_and_not_at_once(
    filled: StandIn, client: Client, clock: Clock, kind: str
) -> None:
    filled.faults.put(Fault(kind, path=SEARCH, retry_after="0"))
    want_search("matrix reloaded", now=NOON)
    mirrored(client, clock)
    tries = len(filled.asked_for(SEARCH))
    waiting = are_waiting()
    filled.faults.clear()

    clock.now += FAILED_FOR
    want_search("matrix reloaded", now=clock())
    mirrored(client, clock)

    assert 1 <= tries <= 3
    assert not waiting
    assert 604 in titles()


def test_a_refused_token_ends_the_run(filled: StandIn, client: Client, clock: Clock) -> None:
    filled.faults.put(Fault("401"))
    want_search("matrix reloaded", now=NOON)

    with pytest.raises(TokenRefused):
        mirrored(client, clock)

    assert not are_waiting()
    assert SyncLease.objects.get().expires_at <= NOON


def test_films_of_a_kind_that_is_left_out_are_not_asked_for(filled: StandIn, client: Client, clock: Clock) -> None:
    filled.films.put(payload(8, "Matrix of that kind", video=True), day=NOON.date())
    want_search("matrix", now=NOON)

    mirrored(client, clock)

    assert asked_films(filled) == [604]


def test_of_what_tmdb_finds_the_first_few_are_wanted(filled: StandIn, client: Client, clock: Clock) -> None:
    for number in range(1_000, 1_020):
        filled.films.put(payload(number, f"Sequel {number}"), day=NOON.date())
    want_search("sequel", now=NOON)

    stored = mirrored(client, clock)

    assert stored.added == MOST_FILMS


def test_strangers_can_have_only_so_many_searches_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST_A_DAY", 3)

    for number in range(5):
        want_search(f"film {number}", now=NOON)

    assert WantedSearch.objects.count() == 3


def test_nothing_is_noted_where_tmdb_is_not_configured_or_may_not_be_told(settings: Settings) -> None:
    settings.TMDB_SEARCH = False
    want_search("matrix", now=NOON)
    settings.TMDB_SEARCH, settings.TMDB_STAND_IN = True, ""
    want_search("matrix", now=NOON)

    assert not WantedSearch.objects.exists()


def test_it_costs_four_queries_and_then_one() -> None:
    with CaptureQueriesContext(connection) as first:
        want_search("matrix", now=NOON)
    with CaptureQueriesContext(connection) as again:
        want_search("matrix", now=NOON)

    assert len([query for query in first if not query["sql"].startswith(("BEGIN", "COMMIT"))]) == 4
    assert len(again) == 1


def test_a_search_is_answered_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(searches, "_note", read_only)

    want_search("matrix", now=NOON)

    assert "can't be noted" in caplog.text


class TestTheSchedule:
    def test_a_run_is_wanted_while_somebody_waits_and_none_is_under_way(self, clock: Clock) -> None:
        before = are_waiting()
        want_search("matrix", now=NOON)
        waiting = are_waiting()
        lease.take(holder="a long run", now=NOON)

        assert (before, waiting, are_waiting()) == (False, True, False)

    def test_nobody_waits_for_an_answer_that_does_not_come(self, clock: Clock) -> None:
        want_search("matrix", now=NOON)
        clock.now += ASKED_WITHIN

        assert not are_waiting()

    def test_a_tmdb_that_is_given_a_rest_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: dt.datetime.now(dt.UTC))
        want_search("matrix", now=dt.datetime.now(dt.UTC))
        for _ in range(5):
            pace_of_this_machine().failed()

        assert not are_waiting()

    def test_a_plan_that_fails_loses_nothing_that_was_found(
        self, filled: StandIn, client: Client, clock: Clock
    ) -> None:
        filled.faults.put(Fault("500", path="/3/movie/popular"))
        clock.now += planning.LISTS_EVERY
        want_search("reloaded", now=clock())

        with pytest.raises(TmdbUnwell):
            mirrored(client, clock)

        assert list(WantedFilm.objects.values_list("tmdb_id", flat=True)) == [604]
