"""Which bodies are waited for, by whom, and for how long."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from matinee.api import arriving_bodies
from matinee.api.turns import Turns
from tests.exchanges import brought


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
    return brought(application, **environ).answer()


@pytest.fixture
def application() -> Turns:
    return Turns(echo, at_once=1)


@pytest.fixture
def held(application: Turns) -> Iterator[list[Slow]]:
    """As many bodies of one client as are read at once, on their way."""
    bodies = [Slow(b"{}") for _ in range(arriving_bodies.MOST_READ_OF_ONE)]
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
    monkeypatch.setattr(arriving_bodies, "LATE_AFTER_SECONDS", 0.0)

    status, body = answer(application, post(io.BytesIO(b"{}")))

    assert (status, json.loads(body)["code"]) == ("503", "unavailable")
    assert answer(application, post(io.BytesIO(b"{}"), address="192.0.2.2")) == ("200", b"{}")
    assert answer(application, {"REMOTE_ADDR": "192.0.2.1", "wsgi.input": io.BytesIO()}) == ("200", b"")


def test_a_body_that_takes_too_long_is_refused_at_its_next_piece(
    application: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving_bodies, "WHOLE_WITHIN_SECONDS", -1.0)

    status, body = answer(application, post(io.BytesIO(b" " * 100_000)))

    assert (status, json.loads(body)["code"]) == ("408", "body_too_slow")


@pytest.mark.parametrize("size", [1_000_001, 1_000_002])
def test_the_connection_of_a_body_that_is_not_read_to_its_end_ends_with_its_answer(
    application: Turns, size: int
) -> None:
    chunks = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b" " * size)}

    with_length = brought(application, **post(io.BytesIO(b" " * size)))
    in_chunks = brought(application, REMOTE_ADDR="192.0.2.1", **chunks)

    assert (with_length.ends_connection, in_chunks.ends_connection) == (True, True)
    assert not brought(application, **post(io.BytesIO(b"{}"))).ends_connection


def test_a_body_that_ends_early_reaches_nobody(application: Turns) -> None:
    assert answer(application, post(io.BytesIO(b"{}"), length=3))[0] == "400"


def test_a_body_that_will_be_refused_is_not_read(application: Turns) -> None:
    body = Slow(b"")

    assert answer(application, post(body, length=1_000_002)) == ("200", b"")
    assert not body.is_asked_for.is_set()


def test_a_body_that_does_not_come_holds_no_more_threads_where_liveness_is_asked(
    application: Turns, held: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving_bodies, "LATE_AFTER_SECONDS", 0.0)
    body = Slow(b"{}")

    status, _ = answer(application, {**post(body), "PATH_INFO": "/livez"})

    assert status == "503"
    assert not body.is_asked_for.is_set()
