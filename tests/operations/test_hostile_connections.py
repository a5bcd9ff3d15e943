"""What the web server makes of connections that no honest client opens."""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from django.conf import settings

from matinee.api.arriving_bodies import MOST_READ_OF_ONE
from matinee.operations.web import THREADS_BESIDE
from tests.operations.instances import Instance, started
from tests.operations.processes import eventually, get, readable, tree_of
from tests.rounds import TIMES

POST = "POST /api/v1/users/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = "GET /livez HTTP/1.1\r\nHost: localhost\r\n"
SMUGGLED = "GET /api/v1/movies/genres/ HTTP/1.1\r\nHost: localhost\r\n\r\n"

REFUSED = {
    "two lengths": f"{POST}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}",
    "a list of lengths": f"{POST}Content-Length: 2, 2\r\n\r\n{{}}",
    "a length with a sign": f"{POST}Content-Length: +2\r\n\r\n{{}}",
    "an unknown coding": f"{POST}Transfer-Encoding: xchunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
    "chunks that are not last": f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
    "two codings": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": f"{POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no size": f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n",
    "a folded header": f"{GET}X: a\r\n b\r\n\r\n",
    "a carriage return in a header": f"{GET}X: a\rb: c\r\n\r\n",
    "a NUL in a header": f"{GET}X: a\0b\r\n\r\n",
    "a header of 64 KB": f"{GET}X: {'a' * 65_536}\r\n\r\n",
    "a megabyte of headers": GET + "".join(f"X{number}: {'a' * 1_000}\r\n" for number in range(1_000)) + "\r\n",
    "200 headers": GET + "".join(f"X{number}: a\r\n" for number in range(200)) + "\r\n",
    "an address of 64 KB": f"GET /{'a' * 65_536} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two hosts": "GET /api/v1/movies/genres/ HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "no request at all": "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
}
SLOW_SECONDS = 3 if TIMES == 1 else 60
OF_THE_SERVER = 16
"""Threads of a worker that bring and answer nothing: of the server, of numerics and the like."""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with started(tmp_path_factory.mktemp("instance"), "serve", "--workers", "1", "--web-only") as instance:
        yield instance


@pytest.fixture
def port(instance: Instance) -> int:
    return instance.port


def begun(port: int, *, address: str = "127.0.0.1") -> socket.socket:
    """A connection with a request whose body does not come."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0))
    connection.sendall(f"{POST}Content-Length: 100\r\n\r\n{{".encode())
    return connection


def slow_client(port: int) -> socket.socket:
    """A connection with a request whose headers do not end."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(f"{GET}X: ".encode())
    return connection


def with_a_byte_more(client: socket.socket, port: int) -> socket.socket:
    """It, or another one where the server has had enough of it."""
    try:
        client.sendall(b"a")
    except OSError:
        client.close()
        return slow_client(port)
    return client


def status_of_post(port: int, *pieces: str, address: str = "127.0.0.1") -> int:
    """Of one whose body comes in pieces, with time between them."""
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0)) as connection:
        connection.sendall(f"{POST}Content-Length: {sum(map(len, pieces))}\r\n\r\n".encode())
        for piece in pieces:
            connection.sendall(piece.encode())
            time.sleep(0.4 if len(pieces) > 1 else 0)
        return int(connection.recv(65_536).split()[1])


def refused(connections: list[socket.socket]) -> int:
    """How many of them are answered, and closed after."""
    ready = readable(connections)
    answers = [connection.recv(65_536) for connection in ready]
    assert all(answer.startswith(b"HTTP/1.1 503 ") and b"problem+json" in answer for answer in answers)
    assert all(connection.recv(1) == b"" for connection in ready)
    return len(ready)


def said(port: int, raw: str) -> list[int]:
    """The statuses of all answers to what is sent, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        answers = b""
        with suppress(OSError):  # refused before all was sent
            connection.sendall(raw.encode())
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while received := connection.recv(65_536):
                answers += received
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3})", answers, re.M)]


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_what_two_servers_could_read_in_two_ways_is_refused(port: int, raw: str) -> None:
    statuses = said(port, raw)

    assert len(statuses) <= 1
    assert all(400 <= status < 500 for status in statuses)
    assert get(port, "/livez")[0] == 200


@pytest.mark.parametrize(
    "lengths",
    ["Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"],
)
def test_a_request_hidden_behind_a_length_and_a_coding_is_never_answered(port: int, lengths: str) -> None:
    """The coding counts, the length is dropped, and the connection ends with the one answer (RFC 9112, section 6.3)."""
    assert said(port, f"{POST}{lengths}\r\n2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}") == [422]


@pytest.mark.parametrize(
    "raw", [f"{GET}\r\n", "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED["two lengths"]]
)
def test_no_answer_tells_which_version_gives_it(port: int, raw: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(raw.encode())
        head, _, _ = connection.recv(65_536).decode("latin-1").partition("\r\n\r\n")

    assert head.startswith("HTTP/1.1 ")
    assert not re.search(r"^(?:server|x-powered-by|via):.*[0-9]", head, re.I | re.M)


def test_200_clients_that_never_end_their_headers_keep_nobody_waiting(port: int) -> None:
    slow = [slow_client(port) for _ in range(200)]
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    end = time.monotonic() + SLOW_SECONDS
    while time.monotonic() < end:
        slow = [with_a_byte_more(client, port) for client in slow]
        for path in ("/livez", "/api/v1/movies/genres/", "/api/v1/movies/"):
            asked = time.monotonic()
            statuses[get(port, path)[0]] += 1
            seconds.append(time.monotonic() - asked)
        time.sleep(0.2)  # within what one address may ask for
    for client in slow:
        client.close()

    assert set(statuses) == {200}
    if TIMES > 1:
        assert sorted(seconds)[int(0.99 * len(seconds))] < 1


def test_50_bodies_of_one_client_that_never_come_keep_nobody_else_waiting(port: int) -> None:
    with ExitStack() as held:
        slow = [held.enter_context(begun(port)) for _ in range(50)]

        statuses = Counter(get(port, "/livez")[0] for _ in range(50))
        elsewhere = status_of_post(port, "[]", address="127.0.0.2")
        assert eventually(lambda: len(readable(slow)) >= 50 - MOST_READ_OF_ONE)

        assert (statuses, elsewhere, refused(slow)) == ({200: 50}, 422, 50 - MOST_READ_OF_ONE)
    assert eventually(lambda: status_of_post(port, "[]") == 422)


def test_bodies_that_never_come_hold_a_part_of_the_threads_wherever_they_are_from(instance: Instance) -> None:
    with ExitStack() as held:
        for number in range(2, 42):
            for _ in range(MOST_READ_OF_ONE):
                held.enter_context(begun(instance.port, address=f"127.0.0.{number}"))

        statuses = Counter(get(instance.port, "/api/v1/movies/genres/")[0] for _ in range(50))
        threads = max(process.num_threads() for process in tree_of(instance.process))

    assert statuses == {200: 50}
    assert threads <= THREADS_BESIDE + settings.REQUESTS_AT_ONCE + 16  # of the server itself, of numerics and more
    assert eventually(lambda: status_of_post(instance.port, "[]") == 422)


def test_a_body_that_takes_its_time_is_read_to_its_end(port: int) -> None:
    with begun(port), begun(port):
        status = status_of_post(port, "[", " ", " ", "]")

    assert status == 422
