"""The load: HTTP/1.1 over a fixed number of connections that stay open, one thread, nothing parsed but lengths.

A process of its own, so that its CPU time is nobody else's: a plan as JSON on stdin, what came of it as JSON on stdout.
It talks to this machine alone, and stops after a number of seconds or of requests, whichever comes first.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

HOST = "127.0.0.1"
SILENCE_SECONDS = 30
TRIES = 3
RECEIVED_AT_ONCE = 1 << 18
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")


class BrokenAnswer(Exception):
    """A server ended a connection in the middle, or said nothing for SILENCE_SECONDS."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: str | None = None

    def encoded(self, port: int, token: str | None) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {HOST}:{port}", "Accept: application/json"]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if self.body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body.encode())}"]
        return ("\r\n".join(lines) + f"\r\n\r\n{self.body or ''}").encode()


@dataclass(frozen=True)
class Plan:
    """Each of `requests` is sent with each of `tokens` in turn, again from the first after the last, on the first
    connection that is free."""

    port: int
    tokens: Sequence[str | None]
    requests: Sequence[Request]
    connections: int
    seconds: float
    at_most: int


@dataclass(frozen=True)
class Outcome:
    requests: int
    seconds: float
    statuses: dict[str, int]
    bytes_received: int
    cpu_seconds: float
    """This process's own, while it sent and received."""
    latencies_ms: list[float] = field(repr=False)
    """Ascending; from the first byte sent to the last received."""

    def percentile(self, share: float) -> float:
        return self.latencies_ms[min(int(share * self.requests), self.requests - 1)]


class Connection:
    """One socket with at most one request under way. Where the server has closed it, it is opened again."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._address = (HOST, port)
        self._selector = selector
        self._received = bytearray()
        self._under_way: bytes | None = None
        self._tries = 0
        self.started_at = 0.0
        self._open()

    def send(self, request: bytes) -> None:
        self._under_way, self._tries = request, TRIES
        self.started_at = time.perf_counter()
        self._write(request)

    def receive(self) -> tuple[int, int] | None:
        """(status, bytes) of the answer once all of it is there. Raises BrokenAnswer."""
        data = self._receive_some()
        if not data:
            self._reopen()
            return None
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        head = bytes(self._received[: head_end + 2]).lower()
        if head_end < 0 or not self._is_whole(head, head_end + 4):
            return None
        answer = int(head[9:12]), len(self._received)
        self._received.clear()
        self._under_way = None
        if b"\r\nconnection: close" in head:
            self._reopen()
        return answer

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()

    def _receive_some(self) -> bytes:
        try:
            return self._socket.recv(RECEIVED_AT_ONCE)
        except ConnectionResetError:
            return b""

    def _reopen(self) -> None:
        """A server may close a connection that was idle just as the next request comes in: that one is sent again."""
        if self._received or (self._under_way is not None and self._tries == 0):
            raise BrokenAnswer(f"The server on port {self._address[1]} closed a connection before it had answered.")
        self.close()
        self._open()
        if self._under_way is not None:
            self._tries -= 1
            self._write(self._under_way)

    def _write(self, request: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # then reading finds the connection closed, and it is opened again
            self._socket.sendall(request)

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=SILENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def _is_whole(self, head: bytes, body_start: int) -> bool:
        length = LENGTH.search(head)
        if length is not None:
            return len(self._received) >= body_start + int(length[1])
        if b"\r\ntransfer-encoding: chunked" in head:
            return self._received.endswith(b"0\r\n\r\n")
        return head[9:12] in {b"204", b"304"}


def run(plan: Plan) -> Outcome:
    """Raises BrokenAnswer."""
    encoded = [request.encoded(plan.port, token) for request in plan.requests for token in plan.tokens]
    turn = (encoded[number % len(encoded)] for number in range(plan.at_most))
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    received = 0
    with selectors.DefaultSelector() as selector:
        connections = [Connection(plan.port, selector) for _ in range(plan.connections)]
        cpu_before, began_at = own_cpu_seconds(), time.perf_counter()
        under_way = sum(_send_next(connection, turn) for connection in connections)
        while under_way:
            ready = selector.select(timeout=SILENCE_SECONDS)
            if not ready:
                raise BrokenAnswer(f"The server on port {plan.port} said nothing for {SILENCE_SECONDS} seconds.")
            for key, _ in ready:
                connection: Connection = key.data
                answer = connection.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                latencies.append((now - connection.started_at) * 1_000)
                statuses[answer[0]] += 1
                received += answer[1]
                under_way -= 1
                if now - began_at < plan.seconds:
                    under_way += _send_next(connection, turn)
        seconds, cpu_seconds = time.perf_counter() - began_at, own_cpu_seconds() - cpu_before
        for connection in connections:
            connection.close()
    return Outcome(
        requests=len(latencies),
        seconds=seconds,
        statuses={str(status): number for status, number in sorted(statuses.items())},
        bytes_received=received,
        cpu_seconds=cpu_seconds,
        latencies_ms=sorted(latencies),
    )


def _send_next(connection: Connection, turn: Iterator[bytes]) -> bool:
    request = next(turn, None)
    if request is None:
        return False
    connection.send(request)
    return True


def own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    told = json.load(sys.stdin)
    told["requests"] = [Request(**request) for request in told["requests"]]
    json.dump(asdict(run(Plan(**told))), sys.stdout)
