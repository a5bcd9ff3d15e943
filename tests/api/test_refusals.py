"""Who is refused where more is asked for than can be done, and what the server's threads do then."""

from __future__ import annotations

import json
import threading
import time

import pytest
from prometheus_client import REGISTRY

from matinee.api import overload, turns
from matinee.api.overload import Overload
from matinee.api.turns import Turns
from tests.exchanges import HeldExchange, Holding, brought, on_a_thread
from tests.operations.processes import eventually


def refused(application: Turns) -> HeldExchange:
    """Who waits until another takes that place."""
    exchange = brought(application)
    assert not exchange.is_sent
    assert not brought(application).is_sent
    assert exchange.answer()[0] == "503"
    return exchange


def make_it_too_much(application: Turns, *, for_seconds: float = 0.0) -> None:
    """While whoever has the turn has had it for so long."""
    now = time.monotonic()
    application._overload.turn_came(after=0.0, now=now - for_seconds)
    application._overload._find_too_much(now)


@pytest.fixture
def any_answer_takes_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes."""
    monkeypatch.setattr(overload, "LONGEST_ON_CORES_SECONDS", 600.0)


def test_where_as_many_wait_as_may_all_are_refused_but_who_comes_then(behind: Turns, holding: Holding) -> None:
    behind._overload = Overload(most=3)
    waiting = [brought(behind) for _ in range(3)]
    assert not any(exchange.is_sent for exchange in waiting)

    last = brought(behind, who="last")

    assert [exchange.answer()[0] for exchange in waiting] == ["503"] * 3
    assert not last.is_sent
    holding.may_answer.set()
    assert last.answer() == ("200", b"last")


def test_where_it_is_too_much_who_waits_is_refused_once_somebody_else_comes_and_counted(behind: Turns) -> None:
    make_it_too_much(behind)
    counted = REGISTRY.get_sample_value("matinee_overload_refusals_total") or 0

    exchange = refused(behind)

    problem = json.loads(exchange.body)
    assert (problem["status"], problem["code"], problem["detail"]) == (503, "unavailable", overload.TOO_MUCH)
    assert int(exchange.headers["Retry-After"]) > 0
    assert "Connection" not in exchange.headers
    assert REGISTRY.get_sample_value("matinee_overload_refusals_total") == counted + 1


def test_where_nobody_has_had_a_turn_for_long_who_comes_is_refused_at_once(
    behind: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = brought(behind)
    monkeypatch.setattr(overload, "STUCK_SECONDS", 0.0)

    assert brought(behind).answer()[0] == "503"
    assert not waits.is_sent


def test_who_has_waited_too_long_for_a_while_is_turned_away_by_who_passes_the_turn_on(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "LATE_SECONDS", 0.0)
    monkeypatch.setattr(overload, "STANDING_SECONDS", 0.0)
    waiting = [brought(behind, who=str(number)) for number in range(5)]

    holding.may_answer.set()

    statuses = [exchange.answer()[0] for exchange in waiting]
    assert statuses[:-1] == sorted(statuses[:-1])
    assert {"200", "503"} == {*statuses[:-1]}
    assert statuses[-1] == "200", "who came last"


def test_where_as_many_as_may_wait_for_other_machines_nobody_waits_for_a_turn(
    behind: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_LENDERS", 0)

    assert brought(behind).answer()[0] == "503"


def test_a_request_that_has_lent_its_turn_is_not_turned_away(holding: Holding) -> None:
    application = Turns(holding, at_once=1)
    lender = on_a_thread(application, who="lender", waits=True)
    assert eventually(lambda: application._lenders == 1)
    borrower = on_a_thread(application, who="borrower")
    assert eventually(lambda: len(holding.called) == 2)
    holding.comes_back.set()
    assert eventually(lambda: bool(application._waiting))
    application._overload = Overload(most=1)

    refused(application)
    holding.may_answer.set()

    assert (lender.answer()[0], borrower.answer()[0]) == ("200", "200")


def test_that_a_worker_is_alive_is_told_however_far_it_is_behind(behind: Turns, holding: Holding) -> None:
    make_it_too_much(behind)
    refused(behind)

    alive = on_a_thread(behind, PATH_INFO="/livez", who="alive")
    assert eventually(lambda: "alive" in holding.called)
    holding.may_answer.set()

    assert alive.answer() == ("200", b"alive")


@pytest.mark.usefixtures("any_answer_takes_cores")
def test_a_turn_rests_until_nobody_comes_any_more_and_who_came_last_has_it(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a second, of a minute that the answer took."""
    monkeypatch.setattr(turns, "STILL_SHARE", 1 / 60)
    make_it_too_much(behind, for_seconds=59)
    came_during_the_answer = on_a_thread(behind, who="during")
    assert eventually(lambda: behind._end_is_awaited)
    holding.may_answer.set()
    assert eventually(lambda: behind._resting == 1)

    while_it_rests = [brought(behind, who=who) for who in ("before", "last")]

    assert [each.answer()[0] for each in (came_during_the_answer, *while_it_rests)] == ["503", "503", "200"]
    assert holding.called == ["first", "last"]


@pytest.mark.usefixtures("any_answer_takes_cores")
def test_a_turn_rests_no_longer_than_the_answer_took_though_somebody_comes_all_the_while(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "STILL_SHARE", 0.45)
    make_it_too_much(behind, for_seconds=2)
    holding.may_answer.set()
    assert eventually(lambda: behind._resting == 1)

    came = [brought(behind)]
    while len(holding.called) == 1 and len(came) < 1_000:
        time.sleep(0.01)
        came.append(brought(behind))

    assert len(holding.called) > 1
    assert came[0].answer()[0] == "503"


def test_who_looks_after_the_service_waits_where_others_are_refused(behind: Turns) -> None:
    behind._overload = Overload(most=4)
    make_it_too_much(behind)
    metrics = [brought(behind, PATH_INFO="/metrics") for _ in range(2)]

    refused(behind)

    assert not any(exchange.is_sent for exchange in (*metrics, brought(behind, PATH_INFO="/readyz")))


@pytest.mark.usefixtures("any_answer_takes_cores")
def test_while_somebody_is_answered_one_thread_awaits_the_end_and_the_others_stay_away_for_a_while(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "AWAY_SECONDS", 0.3)
    make_it_too_much(behind)
    exchange = HeldExchange({})
    awaits = threading.Thread(target=behind, args=(exchange,), daemon=True)
    awaits.start()
    assert eventually(lambda: behind._end_is_awaited)

    began = time.monotonic()
    last = brought(behind)
    assert time.monotonic() - began >= 0.3
    assert awaits.is_alive()
    holding.may_answer.set()
    awaits.join(20)

    assert not awaits.is_alive()
    assert not behind._end_is_awaited
    assert (exchange.answer()[0], last.answer()[0]) == ("503", "200")


def test_no_thread_stays_away_for_an_answer_that_waits_for_something_else_than_cores(
    behind: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor the one that awaits its end, for longer than answers take that do not."""
    monkeypatch.setattr(overload, "LONGEST_ON_CORES_SECONDS", 0.2)
    monkeypatch.setattr(turns, "AWAY_SECONDS", 60.0)
    make_it_too_much(behind)

    refused(behind)
    assert behind._overload.quiet_for(time.monotonic()) == 0.0
    refused(behind)
    assert not behind._end_is_awaited


def test_where_it_is_not_too_much_no_turn_rests_and_no_thread_stays_away(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "AWAY_SECONDS", 60.0)
    monkeypatch.setattr(turns, "STILL_SHARE", 1e6)
    waiting = [brought(behind) for _ in range(3)]

    holding.may_answer.set()

    assert [exchange.answer()[0] for exchange in waiting] == ["200"] * 3
