"""Who uses a thread of the web server, and a connection to the database, for how long."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from prometheus_client import REGISTRY

from matinee.api import overload, turns
from matinee.api.overload import Overload
from matinee.api.turns import Turns
from matinee.core.lending import lent
from matinee.operations.web import THREADS


class Slow(io.BytesIO):
    """A body that has not come as long as it is held."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.is_here = threading.Event()
        self.is_asked_for = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.is_asked_for.set()
        assert self.is_here.wait(20)
        return super().read(size)


def post(body: io.BytesIO, *, address: str = "192.0.2.1", length: int | None = None) -> dict[str, Any]:
    length = len(body.getvalue()) if length is None else length
    return {"REMOTE_ADDR": address, "CONTENT_LENGTH": str(length), "wsgi.input": body}


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def answer(application: Turns, environ: dict[str, Any]) -> tuple[str, bytes]:
    statuses: list[str] = []
    body = b"".join(application(environ, lambda status, _headers: statuses.append(status)))
    return statuses[0][:3], body


@pytest.fixture
def application() -> Turns:
    return Turns(echo, at_once=1)


@pytest.fixture
def held(application: Turns) -> Iterator[list[Slow]]:
    """As many bodies of one client as are read at once, on their way."""
    bodies = [Slow(b"{}") for _ in range(turns.MOST_READ_OF_ONE)]
    threads = [threading.Thread(target=answer, args=(application, post(body))) for body in bodies]
    for thread in threads:
        thread.start()
    assert all(body.is_asked_for.wait(20) for body in bodies)
    yield bodies
    for body in bodies:
        body.is_here.set()
    for thread in threads:
        thread.join()


def test_a_body_is_there_before_the_application_is_called(application: Turns) -> None:
    assert answer(application, post(io.BytesIO(b"{}"))) == ("200", b"{}")


def test_the_next_body_of_a_client_waits_for_one_that_may_still_come(application: Turns, held: list[Slow]) -> None:
    answers: list[tuple[str, bytes]] = []
    waiting = threading.Thread(target=lambda: answers.append(answer(application, post(io.BytesIO(b"[]")))))
    waiting.start()

    held[0].is_here.set()
    waiting.join()

    assert answers == [("200", b"[]")]


def test_nobody_waits_for_those_that_are_late(
    application: Turns, held: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LATE_AFTER_SECONDS", 0.0)

    status, body = answer(application, post(io.BytesIO(b"{}")))

    assert (status, json.loads(body)["code"]) == ("503", "unavailable")
    assert answer(application, post(io.BytesIO(b"{}"), address="192.0.2.2")) == ("200", b"{}")
    assert answer(application, {"REMOTE_ADDR": "192.0.2.1", "wsgi.input": io.BytesIO()}) == ("200", b"")


def test_a_body_that_takes_too_long_is_refused_at_its_next_piece(
    application: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WHOLE_WITHIN_SECONDS", -1.0)

    status, body = answer(application, post(io.BytesIO(b" " * 100_000)))

    assert (status, json.loads(body)["code"]) == ("408", "body_too_slow")


def test_a_body_that_ends_early_reaches_nobody(application: Turns) -> None:
    assert answer(application, post(io.BytesIO(b"{}"), length=3))[0] == "400"


def test_a_body_that_will_be_refused_is_not_read(application: Turns) -> None:
    body = Slow(b"")

    assert answer(application, post(body, length=1_000_002)) == ("200", b"")
    assert not body.is_asked_for.is_set()


def test_turns_lend_each_other_one_connection_even_after_a_failure() -> None:
    lent: list[object] = []

    def failing(_environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        lent.append(connections["default"])
        connections["default"].validate_thread_sharing()
        raise LookupError

    application = Turns(failing, at_once=1)
    for _ in range(2):
        thread = threading.Thread(target=pytest.raises, args=(LookupError, application, {}, None))
        thread.start()
        thread.join(20)

    assert lent[0] is lent[1]


def test_who_has_waited_longest_is_next() -> None:
    called: list[str] = []
    is_held = threading.Event()

    def noting(environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        called.append(environ["who"])
        assert is_held.wait(20)
        return []

    application = Turns(noting, at_once=1)

    def ask_twice() -> None:
        application({"who": "first"}, None)
        application({"who": "first, again"}, None)

    threads = [threading.Thread(target=ask_twice)]
    threads += [threading.Thread(target=application, args=({"who": who}, None)) for who in ("second", "third")]
    for waiting, thread in enumerate(threads):
        thread.start()
        while len(application._waiting) < waiting or not called:
            time.sleep(0.001)

    is_held.set()
    for thread in threads:
        thread.join(20)

    assert called == ["first", "second", "third", "first, again"]


Ask = Callable[..., threading.Thread]


@pytest.fixture
def behind() -> Iterator[tuple[Turns, Ask]]:
    """One request has the only turn, and lends it where asked to; `ask` has others wait for theirs."""
    is_held = threading.Event()

    def holding(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if "is_first" in environ:
            assert is_held.wait(20)
        start_response("200 OK", [])
        return []

    application = Turns(holding, at_once=1)
    threads: list[threading.Thread] = []

    def ask(answers: list[str], **environ: Any) -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.append(answer(application, environ)[0]))
        waiting = len(application._waiting) + (not application._free)
        thread.start()
        while len(application._waiting) < waiting or application._free:
            time.sleep(0.001)
        threads.append(thread)
        return thread

    ask([], is_first=True)
    yield application, ask
    is_held.set()
    for thread in threads:
        thread.join(20)
    application._overload = Overload()
    assert answer(application, {})[0] == "200"


def refused(application: Turns) -> tuple[dict[str, Any], dict[str, str]]:
    """The problem and the headers of a request that is refused at once."""
    headers: list[tuple[str, str]] = []
    body = b"".join(application({}, lambda _status, told: headers.extend(told)))
    return json.loads(body), dict(headers)


def test_where_as_many_wait_as_may_who_comes_is_refused_at_once_and_counted(behind: tuple[Turns, Ask]) -> None:
    application, ask = behind
    application._overload = Overload(most=2)
    answers: list[str] = []
    waiting = [ask(answers) for _ in range(2)]
    counted = REGISTRY.get_sample_value("matinee_overload_refusals_total")

    problem, headers = refused(application)
    for thread in waiting:
        thread.join(20)

    assert (problem["status"], problem["code"], problem["detail"]) == (503, "unavailable", overload.TOO_MUCH)
    assert int(headers["Retry-After"]) > 0
    assert "Connection" not in headers
    assert REGISTRY.get_sample_value("matinee_overload_refusals_total") == (counted or 0) + 1 + len(waiting)


def test_who_waits_is_turned_away_where_it_is_too_much(behind: tuple[Turns, Ask]) -> None:
    application, ask = behind
    application._overload = Overload(most=3)
    answers: list[str] = []
    waiting = [ask(answers) for _ in range(3)]

    refused(application)
    for thread in waiting:
        thread.join(20)

    assert answers == ["503"] * 3
    assert not application._waiting


def test_a_request_that_has_lent_its_turn_is_not_turned_away() -> None:
    is_lent, comes_back, is_over = threading.Event(), threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["who"] == "lender":
            with lent():
                is_lent.set()
                assert comes_back.wait(20)
        else:
            assert is_over.wait(20)
        start_response("200 OK", [])
        return []

    in_turns, answers = Turns(application, at_once=1), list[str]()

    def ask(who: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.append(answer(in_turns, {"who": who})[0]))
        thread.start()
        return thread

    threads = [ask("lender")]
    assert is_lent.wait(20)
    threads.append(ask("borrower"))
    while in_turns._free:
        time.sleep(0.001)
    comes_back.set()
    while not in_turns._waiting:
        time.sleep(0.001)
    in_turns._overload = Overload(most=1)

    assert refused(in_turns)
    is_over.set()
    for thread in threads:
        thread.join(20)

    assert answers == ["200", "200"]


def test_who_comes_where_turns_are_behind_for_a_moment_waits(behind: tuple[Turns, Ask]) -> None:
    answers: list[str] = []

    behind[1](answers)

    assert not answers


def test_that_a_worker_is_alive_is_told_however_far_it_is_behind(behind: tuple[Turns, Ask]) -> None:
    behind[0]._overload = Overload(most=0)

    assert refused(behind[0])
    assert answer(behind[0], {"PATH_INFO": "/livez"})[0] == "200"


def test_who_looks_after_the_service_waits_where_others_are_refused(behind: tuple[Turns, Ask]) -> None:
    application, ask = behind
    application._overload = Overload(most=3)
    application._overload._let_nobody_wait(time.monotonic())
    answers: list[str] = []
    for _ in range(2):
        ask(answers, PATH_INFO="/metrics")

    assert refused(application)
    ask(answers, PATH_INFO="/readyz")

    assert not answers


def test_a_body_that_does_not_come_holds_no_more_threads_where_liveness_is_asked(
    application: Turns, held: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LATE_AFTER_SECONDS", 0.0)
    body = Slow(b"{}")

    status, _ = answer(application, {**post(body), "PATH_INFO": "/livez"})

    assert status == "503"
    assert not body.is_asked_for.is_set()


def test_the_server_has_threads_left_whatever_is_waited_for() -> None:
    assert turns.MOST_READ + turns.MOST_WAITING + overload.MOST_WAITING + 16 <= THREADS
