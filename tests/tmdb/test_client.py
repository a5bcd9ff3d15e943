"""The client gets a whole film by one request, ends every call in time, and tells how it ended."""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from scipy import stats
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from matinee.tmdb.client import SECONDS, TRIES, Access, Client
from matinee.tmdb.failures import Away, Gone, TmdbFailure, TokenRefused, Unanswered, Unfit
from matinee.tmdb.pace import PER_SECOND, Pace
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.transport import Origins, Transport
from tests.tmdb.payloads import payload

DAY = dt.date(2026, 3, 2)


@pytest.fixture(autouse=True)
def waits() -> Iterator[list[RetryDetails]]:
    """Every pause before another try."""
    seen: list[RetryDetails] = []

    def note(details: RetryDetails) -> None:
        seen.append(details)

    set_on_retry_hooks([note])
    yield seen
    set_on_retry_hooks(None)


def test_a_film_comes_whole_by_one_request(client: Client, stand_in: StandIn) -> None:
    film = client.film(603)

    assert (film.id, film.title, film.release_date) == (603, "The Matrix", dt.date(1999, 3, 31))
    assert film.credits is not None
    assert film.credits.cast[0].character == "Neo"
    assert film.keywords is not None
    assert film.external_ids is not None
    assert (film.keywords.keywords[0].name, film.external_ids.imdb_id) == ("saviour", "tt0000603")
    assert len(stand_in.asked) == 1


def test_language_and_token_go_with_every_request(client: Client, stand_in: StandIn) -> None:
    client.genres()

    assert stand_in.asked[0].query == {"language": "en-US"}


def test_a_v3_key_goes_in_the_query_and_a_token_in_the_header() -> None:
    key, token = Access(token="0123456789abcdef" * 2, language="en"), Access(token="eyJ.token", language="en")

    assert (key.query(), key.headers()) == ({"api_key": "0123456789abcdef" * 2}, {})
    assert (token.query(), token.headers()) == ({}, {"Authorization": "Bearer eyJ.token"})
    assert "eyJ" not in repr(token)


@pytest.mark.parametrize("kind", ["500", "reset", "half", "redirect", "401", "429"])
def test_the_key_is_in_no_message_and_no_log(
    stand_in: StandIn, pace: Pace, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    key = "0123456789abcdef" * 2
    client = Client(Access(key, "en"), transport=Transport(Origins.of_stand_in(stand_in.url)), pace=pace)
    stand_in.faults.put(Fault(kind, retry_after="0"))

    with caplog.at_level(logging.DEBUG), pytest.raises(TmdbFailure) as refusal:
        client.film(603)

    assert stand_in.asked[0].query["api_key"] == key
    assert key not in str(refusal.value)
    assert key not in caplog.text


def test_lists_changes_and_configuration(client: Client, stand_in: StandIn) -> None:
    stand_in.films.put(payload(550, "Fight Club", runtime=139), day=DAY)

    assert [film.id for film in client.changed(DAY, page=1).results] == [550]
    assert client.changed(DAY + dt.timedelta(days=1), page=1).results == ()
    assert [film.id for film in client.listed("popular", page=1).results] == [603, 550, 949]
    assert client.configuration().images.secure_base_url == "https://image.tmdb.org/t/p/"
    assert [genre.name for genre in client.genres().genres] == ["Action"]


def test_a_film_that_is_not_there_is_gone(client: Client, stand_in: StandIn) -> None:
    with pytest.raises(Gone):
        client.film(5)

    assert len(stand_in.asked) == 1


def test_a_merged_film_comes_under_its_new_id(client: Client, stand_in: StandIn) -> None:
    stand_in.films.merge(949, into=603, day=DAY)

    assert client.film(949).id == 603


def test_a_token_that_is_refused_is_told_and_not_tried_again(stand_in: StandIn, pace: Pace) -> None:
    client = Client(_NoToken("", "en"), transport=Transport(Origins.of_stand_in(stand_in.url)), pace=pace)

    with pytest.raises(TokenRefused):
        client.film(603)

    assert len(stand_in.asked) == 1
    assert not pace.state().failures


class _NoToken(Access):
    def headers(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("kind", ["reset", "half", "500", "503", "html"])
def test_what_may_be_well_the_next_time_is_tried_three_times_and_no_more(
    client: Client, stand_in: StandIn, kind: str
) -> None:
    stand_in.faults.put(Fault(kind))

    with pytest.raises(Unanswered):
        client.film(603)

    assert len(stand_in.asked) == TRIES == 3


@pytest.mark.parametrize("kind", ["reset", "half", "500", "503", "html", "429"])
def test_it_resumes_by_itself(client: Client, stand_in: StandIn, kind: str) -> None:
    stand_in.faults.put(Fault(kind, times=2, retry_after="0"))

    assert client.film(603).title == "The Matrix"


@pytest.mark.parametrize("kind", ["wrong-types", "nan", "nul", "no-json", "many-genres", "huge", "redirect"])
def test_an_answer_that_does_not_fit_is_not_asked_for_again(client: Client, stand_in: StandIn, kind: str) -> None:
    stand_in.faults.put(Fault(kind))

    with pytest.raises(Unfit) as refusal:
        client.film(603)

    assert len(stand_in.asked) == 1
    assert len(str(refusal.value)) < 500


def test_a_call_ends_within_its_time(client: Client, stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("slow", seconds=1.0))

    with pytest.raises((Unanswered, Away)):
        client.film(603, seconds=0.3)

    assert 1 <= len(stand_in.asked) <= TRIES


def test_after_five_failures_nobody_asks_any_more(client: Client, stand_in: StandIn, pace: Pace) -> None:
    stand_in.faults.put(Fault("500"))

    for _ in range(10):
        with pytest.raises(TmdbFailure):
            client.film(603)

    assert len(stand_in.asked) == 5
    assert pace.state().is_open


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed_in_both_forms(client: Client, stand_in: StandIn, pace: Pace, form: str) -> None:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40)
    stand_in.faults.put(Fault("429", retry_after="40" if form == "seconds" else email.utils.format_datetime(until)))

    with pytest.raises((Away, Unanswered)):
        client.film(603, seconds=3)

    assert len(stand_in.asked) == 1
    assert pace.state().paused_until - until.timestamp() == pytest.approx(0, abs=2)


@pytest.mark.parametrize("absurd", ["9999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "-5", "soon", "", "1e999"])
def test_an_absurd_retry_after_is_capped(client: Client, stand_in: StandIn, pace: Pace, absurd: str) -> None:
    stand_in.faults.put(Fault("429", retry_after=absurd, times=1))

    with contextlib.suppress(Away):
        client.film(603, seconds=3)

    assert pace.state().paused_until <= time.time() + 60


def test_a_429_is_no_failure_of_tmdb(client: Client, stand_in: StandIn, pace: Pace) -> None:
    stand_in.faults.put(Fault("429", retry_after="0"))

    with pytest.raises(Unanswered):
        client.film(603)

    assert len(stand_in.asked) == TRIES
    assert not pace.state().failures


def test_at_most_forty_requests_a_second_reach_tmdb(stand_in: StandIn, tmp_path: Path) -> None:
    client = Client(
        Access("token", "en"),
        transport=Transport(Origins.of_stand_in(stand_in.url)),
        pace=Pace(tmp_path / "real-pace"),
    )

    for _ in range(60):
        client.genres()

    at = [asked.at for asked in stand_in.asked]
    assert max(sum(start <= one < start + 1 for one in at) for start in at) <= 40
    assert PER_SECOND < 40


def test_pauses_between_tries_are_spread_evenly(
    client: Client, stand_in: StandIn, pace: Pace, waits: list[RetryDetails], monkeypatch: pytest.MonkeyPatch
) -> None:
    random.seed(7)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    stand_in.faults.put(Fault("500"))

    for _ in range(150):
        pace.succeeded()
        with pytest.raises(Unanswered):
            client.film(603)

    first = [wait.wait_for for wait in waits if wait.retry_num == 1]
    assert len(first) == 150
    assert stats.kstest(first, "uniform", args=(0.1, 0.4)).pvalue > 0.01


def test_only_the_client_tries_again(client: Client, stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("reset"))
    stamina.set_active(False)

    try:
        with pytest.raises(Unanswered):
            client.film(603)
    finally:
        stamina.set_active(True)

    assert len(stand_in.asked) == 1


class TestExport:
    def test_all_ids_come_line_by_line(self, client: Client) -> None:
        films = list(client.exported(DAY))

        assert [(film.tmdb_id, film.popularity) for film in films] == [(603, 60.0), (550, 10.0), (949, 10.0)]
        assert not any(film.adult or film.video for film in films)

    def test_a_list_that_breaks_off_is_told(self, client: Client, stand_in: StandIn) -> None:
        stand_in.faults.put(Fault("half"))

        with pytest.raises(Unanswered):
            list(client.exported(DAY))

    def test_what_is_no_list_is_told(self, client: Client, stand_in: StandIn) -> None:
        stand_in.faults.put(Fault("html"))

        with pytest.raises(Unanswered, match="no gzip file"):
            list(client.exported(DAY))

    def test_a_list_of_many_blocks_comes_whole(self, client: Client, stand_in: StandIn) -> None:
        stand_in.films = Films(payload(number, "A film", popularity=1.0) for number in range(1, 5_001))

        assert sum(1 for _ in client.exported(DAY)) == 5_000


def test_a_call_has_time_for_the_longest_pause_that_tmdb_can_ask_for() -> None:
    assert SECONDS > 60
