"""What the web server makes of connections that no honest client opens."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.operations.instances import started
from tests.operations.processes import get

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


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with started(tmp_path_factory.mktemp("instance"), "serve", "--workers", "1") as instance:
        yield instance.port


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


def test_200_clients_that_never_end_their_headers_keep_nobody_waiting(port: int) -> None:
    with ExitStack() as held:
        for _ in range(200):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            connection.sendall(GET.encode())

        statuses = Counter(get(port, "/livez")[0] for _ in range(50))

    assert statuses == {200: 50}
