"""/metrics, `matinee tmdb status` and the doctor tell the same of the mirror of TMDb."""

from __future__ import annotations

import datetime as dt
import io
import math
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from matinee.operations import doctor
from matinee.tmdb import connection, lease
from matinee.tmdb.models import QuarantinedFilm, SyncStep, WantedFilm
from matinee.tmdb.services import fetch
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from tests.operations.test_metrics import scraped, value
from tests.tmdb.payloads import payload

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _configured(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db: None) -> None:
    settings.DATA_DIR = tmp_path
    settings.TMDB_TOKEN = "a.token.of.the.test"
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def status() -> str:
    said = io.StringIO()
    call_command("tmdb", "status", stdout=said)
    return said.getvalue()


def test_how_far_it_is_and_what_is_left(client: Client) -> None:
    SyncStep.objects.create(name="changes", done_at=NOW, day=dt.date(2026, 3, 4))
    SyncStep.objects.create(name="run", done_at=NOW - dt.timedelta(hours=2))
    WantedFilm.objects.bulk_create([WantedFilm(tmdb_id=number, rank=0) for number in (1, 2, 3)])
    QuarantinedFilm.objects.create(tmdb_id=9, reason="It is huge.", seen_at=NOW, again_at=NOW)
    lease.take(holder="this machine", now=NOW)

    samples, told = scraped(client), status()

    assert value(samples, "matinee_tmdb_lag_seconds") == 12 * 3_600
    assert value(samples, "matinee_tmdb_success_age_seconds") == 2 * 3_600
    assert value(samples, "matinee_tmdb_films", state="wanted") == 3
    assert value(samples, "matinee_tmdb_films", state="quarantined") == 1
    assert value(samples, "matinee_tmdb_running") == 1
    assert value(samples, "matinee_tmdb_resting") == 0
    assert "Changes are in up to the end of: 2026-03-04." in told
    assert "Last run that left nothing to ask for: 2026-03-05 10:00 UTC." in told
    assert "Left to ask for: 3. Set aside, since their answers could not be used: 1." in told
    assert "Running at this moment: this machine." in told
    assert doctor.mirror(now=NOW).ok


def test_before_the_first_run_it_is_infinitely_late(client: Client) -> None:
    samples = scraped(client)

    assert value(samples, "matinee_tmdb_lag_seconds") == math.inf
    assert value(samples, "matinee_tmdb_success_age_seconds") is None
    assert value(samples, "matinee_tmdb_running") == 0
    assert not doctor.mirror(now=NOW).ok


@pytest.mark.parametrize(("days", "is_late"), [(1, False), (3, False), (4, True)])
def test_the_alert_begins_where_the_doctor_warns(client: Client, days: int, is_late: bool) -> None:
    SyncStep.objects.create(name="changes", done_at=NOW, day=NOW.date() - dt.timedelta(days=days))

    lag = value(scraped(client), "matinee_tmdb_lag_seconds")

    assert lag is not None
    assert (lag > 3 * 86_400, not doctor.mirror(now=NOW).ok) == (is_late, is_late)


def test_changes_that_are_known_and_never_asked_for_are_late_too(client: Client) -> None:
    SyncStep.objects.create(name="changes", done_at=NOW, day=dt.date(2026, 3, 4))
    SyncStep.objects.create(name="run", done_at=NOW - dt.timedelta(days=3, seconds=1))

    assert value(scraped(client), "matinee_tmdb_success_age_seconds") == 3 * 86_400 + 1
    assert not doctor.mirror(now=NOW).ok


def test_a_breaker_that_keeps_requests_back_shows_for_as_long_as_it_does(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        connection.pace().failed()
    until = connection.pace().state().open_until
    seen = []

    for seconds in (-1, +1):
        at = dt.datetime.fromtimestamp(until + seconds, dt.UTC)
        monkeypatch.setattr("django.utils.timezone.now", lambda at=at: at)
        rests = value(scraped(client), "matinee_tmdb_resting")
        seen.append((rests, "is not asked before" in status(), "given a rest" in doctor.mirror(now=at).detail))

    assert seen == [(1, True, True), (0, False, False)]


def test_without_tmdb_nothing_is_told_of_it(client: Client, settings: Settings) -> None:
    settings.TMDB_TOKEN = None

    assert value(scraped(client), "matinee_tmdb_lag_seconds") is None


@pytest.mark.django_db(transaction=True)
def test_requests_and_films_are_counted_by_how_they_ended(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: dt.datetime.now(dt.UTC))

    def counted() -> dict[str, float]:
        samples = scraped(client)
        outcomes = ("answered", "failed", "slowed")
        requests = {one: value(samples, "matinee_tmdb_requests_total", outcome=one) or 0 for one in outcomes}
        return requests | {"added": value(samples, "matinee_tmdb_stored_films_total", outcome="added") or 0}

    with StandIn(Films([payload(603, "The Matrix")])).running() as stand_in:
        settings.TMDB_STAND_IN = stand_in.url
        stand_in.faults.put(Fault("500", times=1))
        stand_in.faults.put(Fault("429", times=1, retry_after="0"))
        before = counted()
        fetch(603)
        after = counted()

    assert {name: after[name] - before[name] for name in after} == {"answered": 1, "failed": 1, "slowed": 1, "added": 1}
