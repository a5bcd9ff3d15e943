"""Who is refused where more is asked for than can be done, and what the server's threads do then."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY

from matinee.api import overload, turns
from matinee.api.overload import Overload
from matinee.api.turns import Turns
from tests.exchanges import HeldExchange, Holding, brought, on_a_thread
from tests.operations.processes import eventually


def refused(application: Turns) -> tuple[dict[str, Any], dict[str, str]]:
    """The problem and the headers of a request that is refused at once."""
    exchange = brought(application)
    assert exchange.is_sent
    return json.loads(exchange.body), exchange.headers


def make_it_too_much(application: Turns, *, for_seconds: float = 0.0) -> None:
    """While whoever has the turn has had it for so long."""
    now = time.monotonic()
    application._overload.turn_came(after=0.0, now=now - for_seconds)
    application._overload._let_nobody_wait(now)


@pytest.fixture
def any_answer_takes_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes."""
    monkeypatch.setattr(overload, "LONGEST_ON_CORES_SECONDS", 60.0)


def test_where_as_many_wait_as_may_who_comes_is_refused_at_once_and_counted(behind: Turns) -> None:
    behind._overload = Overload(most=2)
    waiting = [brought(behind) for _ in range(2)]
    counted = REGISTRY.get_sample_value("matinee_overload_refusals_total")

    problem, headers = refused(behind)

    assert (problem["status"], problem["code"], problem["detail"]) == (503, "unavailable", overload.TOO_MUCH)
    assert int(headers["Retry-After"]) > 0
    assert "Connection" not in headers
    assert REGISTRY.get_sample_value("matinee_overload_refusals_total") == (counted or 0) + 1 + len(waiting)


def test_who_waits_is_turned_away_where_it_is_too_much(behind: Turns) -> None:
    behind._overload = Overload(most=3)
    waiting = [brought(behind) for _ in range(3)]
    assert not any(exchange.is_sent for exchange in waiting)

    refused(behind)

    assert [exchange.answer()[0] for exchange in waiting] == ["503"] * 3
    assert not behind._waiting


def test_who_has_waited_too_long_for_a_while_is_turned_away_by_who_passes_the_turn_on(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "LATE_SECONDS", 0.0)
    monkeypatch.setattr(overload, "STANDING_SECONDS", 0.0)
    waiting = [brought(behind, who=str(number)) for number in range(5)]

    holding.may_answer.set()

    statuses = [exchange.answer()[0] for exchange in waiting]
    assert statuses == sorted(statuses)
    assert {"200", "503"} == {*statuses}


def test_where_as_many_as_may_wait_for_other_machines_nobody_waits_for_a_turn(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_LENDERS", 0)

    assert refused(behind)


def test_a_request_that_has_lent_its_turn_is_not_turned_away(holding: Holding) -> None:
    application = Turns(holding, at_once=1)
    lender = on_a_thread(application, who="lender", waits=True)
    assert eventually(lambda: application._lenders == 1)
    borrower = on_a_thread(application, who="borrower")
    assert eventually(lambda: len(holding.called) == 2)
    holding.comes_back.set()
    assert eventually(lambda: bool(application._waiting))
    application._overload = Overload(most=1)

    assert refused(application)
    holding.may_answer.set()

    assert (lender.answer()[0], borrower.answer()[0]) == ("200", "200")


def test_that_a_worker_is_alive_is_told_however_far_it_is_behind(behind: Turns, holding: Holding) -> None:
    behind._overload = Overload(most=0)
    assert refused(behind)

    alive = on_a_thread(behind, PATH_INFO="/livez", who="alive")
    assert eventually(lambda: "alive" in holding.called)
    holding.may_answer.set()

    assert alive.answer() == ("200", b"alive")


@pytest.mark.usefixtures("any_answer_takes_cores")
def test_while_a_turn_rests_only_who_looks_after_the_service_has_it(behind: Turns, holding: Holding) -> None:
    make_it_too_much(behind, for_seconds=30)
    assert on_a_thread(behind).answer()[0] == "503"
    holding.may_answer.set()
    assert eventually(lambda: bool(behind._free))

    assert refused(behind)
    assert brought(behind, PATH_INFO="/readyz").answer()[0] == "200"


def test_who_looks_after_the_service_waits_where_others_are_refused(behind: Turns) -> None:
    behind._overload = Overload(most=3)
    make_it_too_much(behind)
    metrics = [brought(behind, PATH_INFO="/metrics") for _ in range(2)]

    assert refused(behind)

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
    assert exchange.answer()[0] == "503"
    assert eventually(lambda: behind._end_is_awaited)

    began = time.monotonic()
    assert refused(behind)
    assert time.monotonic() - began >= 0.3
    assert awaits.is_alive()
    holding.may_answer.set()
    awaits.join(20)

    assert not awaits.is_alive()
    assert not behind._end_is_awaited


def test_no_thread_stays_away_for_an_answer_that_waits_for_something_else_than_cores(
    behind: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor the one that awaits its end, for longer than answers take that do not."""
    monkeypatch.setattr(overload, "LONGEST_ON_CORES_SECONDS", 0.2)
    monkeypatch.setattr(turns, "AWAY_SECONDS", 60.0)
    make_it_too_much(behind)

    assert refused(behind)
    assert behind._overload.quiet_for(time.monotonic()) == 0.0
    assert refused(behind)
    assert not behind._end_is_awaited


@pytest.mark.usefixtures("any_answer_takes_cores")
def test_where_it_is_too_much_who_begins_lets_somebody_be_refused_first_so_that_the_turn_rests(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "GIVING_WAY_SECONDS", 1.0)
    application = Turns(holding, at_once=1)
    make_it_too_much(application)
    begins = on_a_thread(application, who="begins")
    assert eventually(lambda: not application._free)

    came_meanwhile = on_a_thread(application).answer()
    called_by_then = [*holding.called]
    holding.may_answer.set()

    assert (came_meanwhile[0], called_by_then) == ("503", [])
    assert begins.answer() == ("200", b"begins")
    assert eventually(lambda: bool(application._free))
    assert refused(application), "it rests"


def test_where_it_is_not_nobody_lets_others_go_first(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "GIVING_WAY_SECONDS", 60.0)
    holding.may_answer.set()

    assert on_a_thread(Turns(holding, at_once=1)).answer()[0] == "200"
