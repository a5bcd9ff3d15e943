"""Who is answered when, on which thread, with which connection to the database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse, StreamingHttpResponse

from matinee.api import arriving_bodies, overload
from matinee.api.overload import MORE_WAITING
from matinee.api.turns import MOST_FILES, MOST_LENDERS, MOST_OF_SERVER, MOST_READ_FOR, Turn, Turns
from matinee.core.waiting import who_waits
from matinee.operations.web import THREADS_BESIDE
from tests.exchanges import HeldExchange, Holding, brought, on_a_thread
from tests.operations.processes import eventually

Environ = dict[str, Any]


def test_turns_lend_each_other_one_connection_even_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    used: list[object] = []

    def failing(_environ: Environ, _start_response: Any) -> list[bytes]:
        used.append(connections["default"])
        connections["default"].validate_thread_sharing()
        raise LookupError

    application = Turns(failing, at_once=1)
    answers = [on_a_thread(application).answer() for _ in range(2)]

    assert used[0] is used[1]
    assert [(status, json.loads(body)["code"]) for status, body in answers] == [("500", "internal_error")] * 2
    assert len(caplog.records) == 2


def test_who_waits_has_no_thread_and_who_has_waited_longest_is_next(behind: Turns, holding: Holding) -> None:
    threads = threading.active_count()
    waiting = [brought(behind, who=who) for who in ("second", "third", "fourth")]
    assert threading.active_count() == threads

    holding.may_answer.set()

    assert [exchange.answer()[1] for exchange in waiting] == [b"second", b"third", b"fourth"]
    assert holding.called == ["first", "second", "third", "fourth"]


@pytest.mark.parametrize("grows_for", [0.0, 60.0])
def test_who_is_answered_knows_who_is_next_which_while_a_queue_grows_is_who_came_last(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch, grows_for: float
) -> None:
    monkeypatch.setattr(overload, "GROWING_SECONDS", grows_for)
    names = [str(number) for number in range(MOST_READ_FOR + 2)]
    waiting = [brought(behind, who=name) for name in names]

    holding.may_answer.set()

    assert [exchange.answer()[0] for exchange in waiting] == ["200"] * len(waiting)
    in_turn = [*names[: MORE_WAITING - 1 : -1], *names[:MORE_WAITING]] if grows_for else names
    assert holding.called == ["first", *in_turn]
    left = [sorted(in_turn[n:], key=int) for n in range(1, len(names) + 1)]
    in_turn_then = [each[::-1] if grows_for and len(each) > MORE_WAITING else each for each in left]
    assert holding.waited_then[1:] == [each[:MOST_READ_FOR] for each in in_turn_then]
    assert who_waits() == (), "of this thread none"


def test_who_has_begun_and_waits_for_another_turn_is_none_of_them(behind: Turns, holding: Holding) -> None:
    behind._waiting.append(Turn(SimpleQueue(), time.monotonic(), is_sure=True))
    brought(behind, who="second")

    assert [environ["who"] for environ in behind._next()] == ["second"]
    behind._waiting.popleft()


class NoWayBack(HeldExchange):
    def send(self, answer: Iterable[bytes]) -> None:
        raise ConnectionError


def test_who_waits_is_answered_though_the_one_before_fails(behind: Turns, holding: Holding) -> None:
    behind(NoWayBack({"who": "gone"}))
    after = brought(behind, who="after")

    holding.may_answer.set()

    assert after.answer() == ("200", b"after")


def test_others_are_answered_while_one_waits_for_another_machine(holding: Holding) -> None:
    application = Turns(holding, at_once=1)
    lender = on_a_thread(application, who="lender", waits=True)
    assert eventually(lambda: application._lenders == 1)
    holding.may_answer.set()

    assert brought(application, who="near").answer() == ("200", b"near")
    assert not lender.is_sent
    holding.comes_back.set()

    assert lender.answer() == ("200", b"lender")


def test_who_waited_already_is_answered_with_a_turn_that_is_lent(behind: Turns, holding: Holding) -> None:
    lender, near = brought(behind, who="lender", waits=True), brought(behind, who="near")

    holding.may_answer.set()

    assert near.answer() == ("200", b"near")
    assert not lender.is_sent
    holding.comes_back.set()
    assert lender.answer() == ("200", b"lender")


def test_while_many_lend_their_turn_others_are_answered_on_threads_of_ours(holding: Holding) -> None:
    application = Turns(holding, at_once=1)
    holding.may_answer.set()

    def bring(**environ: Any) -> HeldExchange:
        exchange = HeldExchange(environ)
        thread = threading.Thread(target=application, args=(exchange,), daemon=True)
        thread.start()
        if len(lenders) >= MOST_OF_SERVER:
            thread.join(20)
            assert not thread.is_alive()
        return exchange

    lenders: list[HeldExchange] = []
    for number in range(3 * MOST_OF_SERVER):
        lenders.append(bring(who="lender", waits=True))
        assert eventually(lambda: application._lenders == number + 1)  # noqa: B023 - called here

    assert bring(who="near").answer() == ("200", b"near")
    holding.comes_back.set()
    assert {exchange.answer()[0] for exchange in lenders} == {"200"}


def test_without_a_thread_for_it_a_request_is_refused_and_its_turn_is_free(
    behind: Turns, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lender, near = brought(behind, who="lender", waits=True), brought(behind, who="near")
    monkeypatch.setattr(threading.Thread, "start", cannot)
    holding.may_answer.set()

    assert near.answer()[0] == "503"
    monkeypatch.undo()
    holding.comes_back.set()
    assert lender.answer() == ("200", b"lender")


def test_who_comes_where_turns_are_behind_for_a_moment_waits(behind: Turns) -> None:
    assert not brought(behind).is_sent


def test_who_had_lent_the_turn_and_has_it_again_has_it_since_then(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = Turns(holding, at_once=1)
    application._overload._find_too_much(time.monotonic())
    began: list[float] = []
    monkeypatch.setattr(application._overload, "turn_came", lambda *, after, now: began.append(now))

    waits = on_a_thread(application, who="waits", waits=True)
    assert eventually(lambda: holding.called == ["waits"])
    before_it_comes_back = time.monotonic()
    holding.comes_back.set()

    assert waits.answer()[0] == "200"
    assert len(began) == 2
    assert began[1] >= before_it_comes_back


def test_an_answer_is_closed_within_its_turn() -> None:
    free_when_closed: list[int] = []

    class Response(HttpResponse):
        def close(self) -> None:
            free_when_closed.append(len(application._free))
            super().close()

    def answering(_environ: Environ, start_response: Any) -> HttpResponse:
        start_response("200 OK", [])
        return Response(b"here")

    application = Turns(answering, at_once=1)

    assert brought(application).answer() == ("200", b"here")
    assert free_when_closed == [0]


class SlowlyRead(HeldExchange):
    """Whose answer is read when the client likes."""

    def __init__(self, environ: Environ) -> None:
        super().__init__(environ)
        self.reads = threading.Event()

    def send(self, answer: Iterable[bytes]) -> None:
        if not isinstance(answer, list):
            assert self.reads.wait(20)
        super().send(answer)


def test_files_hold_no_turn_however_slowly_they_are_read_and_only_so_many_are_sent() -> None:
    closed: list[str] = []

    class File(StreamingHttpResponse):
        def close(self) -> None:
            closed.append("a file")
            super().close()

    def answering(_environ: Environ, start_response: Any) -> StreamingHttpResponse:
        start_response("200 OK", [])
        return File([b"a", b"file"])

    application = Turns(answering, at_once=1)
    readers = [SlowlyRead({}) for _ in range(MOST_FILES)]
    for reader in readers:
        application(reader)
    assert len(application._free) == 1

    one_more = brought(application)
    for reader in readers:
        reader.reads.set()

    assert one_more.answer()[0] == "503"
    assert {reader.answer() for reader in readers} == {("200", b"afile")}
    assert eventually(lambda: len(closed) == MOST_FILES + 1)
    assert eventually(lambda: brought(application).answer()[0] == "200")


def test_the_server_has_threads_left_whatever_is_waited_for() -> None:
    waiting = arriving_bodies.MOST_READ + arriving_bodies.MOST_WAITING + MOST_OF_SERVER

    assert waiting + 4 <= THREADS_BESIDE
    assert MOST_LENDERS > MOST_OF_SERVER
