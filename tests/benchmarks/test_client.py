from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from benchmarks.http.client import BrokenAnswer, Plan, Request, run

BODY = b'{"results": []}'


class _Answers(BaseHTTPRequestHandler):
    """Keeps connections open; closes them after /close/, and in the middle of an answer at /broken/."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, str | None, bytes]]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
        if self.path == "/nothing/":
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(404 if self.path == "/missing/" else 200)
        self.send_header("Content-Length", str(len(BODY)))
        self.close_connection = self.path in {"/close/", "/broken/"}
        if self.path == "/close/":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(BODY[:3] if self.path == "/broken/" else BODY)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        """Nothing to tell."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    _Answers.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def plan(server: ThreadingHTTPServer, *requests: Request, at_most: int, token: str | None = None) -> Plan:
    return Plan(server.server_port, [token], requests, connections=2, seconds=20, at_most=at_most)


def test_requests_are_sent_in_turn_until_there_were_as_many_as_asked_for(server: ThreadingHTTPServer) -> None:
    rate = Request("POST", "/rate/", '{"rating": 5}')

    outcome = run(plan(server, Request("GET", "/list/"), rate, at_most=7, token="of-alice"))

    assert (
        sorted(_Answers.asked)
        == [("GET", "/list/", "Bearer of-alice", b"")] * 4
        + [("POST", "/rate/", "Bearer of-alice", b'{"rating": 5}')] * 3
    )
    assert outcome.requests == 7
    assert outcome.statuses == {"200": 7}
    assert outcome.latencies_ms == sorted(outcome.latencies_ms)


def test_errors_and_answers_without_a_body_are_counted_by_status(server: ThreadingHTTPServer) -> None:
    outcome = run(plan(server, Request("GET", "/missing/"), Request("GET", "/nothing/"), at_most=6))

    assert outcome.statuses == {"204": 3, "404": 3}


def test_a_connection_that_the_server_closes_after_its_answer_is_opened_again(server: ThreadingHTTPServer) -> None:
    outcome = run(plan(server, Request("GET", "/close/"), at_most=10))

    assert outcome.requests == len(_Answers.asked) == 10


def test_an_answer_that_ends_in_the_middle_is_told(server: ThreadingHTTPServer) -> None:
    with pytest.raises(BrokenAnswer, match="before it had answered"):
        run(plan(server, Request("GET", "/broken/"), at_most=1))


def test_nothing_is_sent_once_the_time_is_up(server: ThreadingHTTPServer) -> None:
    outcome = run(Plan(server.server_port, [None], [Request("GET", "/list/")], connections=2, seconds=0, at_most=100))

    assert outcome.requests == 2
