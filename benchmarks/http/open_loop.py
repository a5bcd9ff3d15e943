"""The load of a crowd: requests go out when they are due, whether those before them are answered or not.

A process of its own, as `client` is, and as sparing: one thread, one `epoll`, nothing parsed but status and length. It
keeps connections and opens another where all of them wait for an answer. A time counts from the moment at which the
request was due, so that a server which keeps the load waiting is not forgiven for it.
"""

from __future__ import annotations

import json
import random
import re
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.http.client import HOST, RECEIVED_AT_ONCE, Request, own_cpu_seconds

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RETRY_AFTER = re.compile(rb"\r\nretry-after: *\d+\r\n", re.IGNORECASE)
MOST_CONNECTIONS = 900
"""Fewer than one worker of ours takes, so that a request waits in the server and not before it."""
KEPT_SECONDS = 5.0
"""A connection that was idle for longer is opened anew: the server ends those that are silent for ten seconds."""
LAST_ANSWERS_SECONDS = 30.0
FAILED, UNASKED_FOR = 0, -1
"""In place of a status: the connection ended, or nothing came; and a refusal that does not say when to come again."""


@dataclass(frozen=True)
class Plan:
    """`requests` and who asks are drawn at random; `stretches` are rates and seconds, one after the other. What came of
    it goes to the file `out`."""

    port: int
    tokens: Sequence[str | None]
    """Of the people who ask; None of somebody who is not signed in."""
    requests: Sequence[Request]
    stretches: Sequence[tuple[float, float]]
    out: str
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """One entry a request, in the order of their answers: when it was due, what came after how long."""

    due: NDArray[np.float64]
    """Seconds since the beginning."""
    milliseconds: NDArray[np.float64]
    status: NDArray[np.int16]
    cpu_seconds: float
    connections: int
    """That were open at once at most."""

    @staticmethod
    def read(path: Path) -> Outcome:
        with np.load(path) as file:
            return Outcome(
                due=file["due"],
                milliseconds=file["milliseconds"],
                status=file["status"],
                cpu_seconds=float(file["cpu_seconds"]),
                connections=int(file["connections"]),
            )


class Connection:
    """One socket with at most one request under way."""

    __slots__ = ("due", "left", "received", "socket", "status", "used_at")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=LAST_ANSWERS_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.due = 0.0
        self.used_at = 0.0
        self.clear()

    def clear(self) -> None:
        self.received = b""
        self.left = -1
        """Bytes of the body that are still to come; -1 before its head is there."""
        self.status = FAILED

    def receive(self) -> bool:
        """Whether the answer is whole. Raises OSError where the connection has ended."""
        data = self.socket.recv(RECEIVED_AT_ONCE)
        if not data:
            raise ConnectionResetError
        if self.left >= 0:
            self.left -= len(data)
            return self.left <= 0
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self.received[: end + 2]
        self.status = int(head[9:12])
        if self.status in {429, 503} and not RETRY_AFTER.search(head):
            self.status = UNASKED_FOR
        length = LENGTH.search(head)
        self.left = (int(length[1]) if length else 0) - (len(self.received) - end - 4)
        return self.left <= 0


class Crowd:
    """Sends what is due, and notes what comes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._encoded = [request.encoded(plan.port, token) for token in plan.tokens for request in plan.requests]
        self._poll = select.epoll()
        self._open: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._most = 0
        self._due, self._milliseconds, self._status = array("d"), array("d"), array("h")

    def run(self) -> None:
        began, cpu_before = time.perf_counter(), own_cpu_seconds()
        moments = self._moments()
        lots = random.Random(self._plan.seed + 1)
        self._began = began
        due = next(moments, None)
        waiting: deque[float] = deque()
        until = began + sum(seconds for _, seconds in self._plan.stretches) + LAST_ANSWERS_SECONDS
        while due is not None or waiting or len(self._idle) < len(self._open):
            now = time.perf_counter()
            if now > until:
                break
            while due is not None and began + due <= now:
                waiting.append(began + due)
                due = next(moments, None)
            while waiting and self._send(waiting[0], lots.choice(self._encoded), now):
                waiting.popleft()
            self._wait(None if due is None else began + due - time.perf_counter())
        cpu = own_cpu_seconds() - cpu_before
        for connection in self._open.values():
            if connection not in self._idle:
                self._note(connection, FAILED)
        for moment in waiting:
            self._due.append(moment - began)
            self._milliseconds.append((time.perf_counter() - moment) * 1_000)
            self._status.append(FAILED)
        np.savez(
            self._plan.out,
            due=np.frombuffer(self._due, np.float64),
            milliseconds=np.frombuffer(self._milliseconds, np.float64),
            status=np.frombuffer(self._status, np.int16),
            cpu_seconds=cpu,
            connections=self._most,
        )

    def _moments(self) -> Iterator[float]:
        lots = random.Random(self._plan.seed)
        begin = 0.0
        for rate, seconds in self._plan.stretches:
            moment = begin
            while (moment := moment + lots.expovariate(rate)) < begin + seconds:
                yield moment
            begin += seconds

    def _send(self, due: float, request: bytes, now: float) -> bool:
        """False where no connection is to be had."""
        while self._idle and now - self._idle[0].used_at > KEPT_SECONDS:
            self._close(self._idle.popleft())
        if self._idle:
            connection = self._idle.popleft()
        elif len(self._open) < MOST_CONNECTIONS:
            connection = Connection(self._plan.port)
            self._open[connection.socket.fileno()] = connection
            self._poll.register(connection.socket.fileno(), select.EPOLLIN)
            self._most = max(self._most, len(self._open))
        else:
            return False
        connection.due = due
        try:
            connection.socket.send(request)
        except OSError:
            self._note(connection, FAILED)
            self._close(connection)
        return True

    def _wait(self, seconds: float | None) -> None:
        """For answers, but no longer; `epoll` alone knows no part of a millisecond."""
        select.select([self._poll.fileno()], [], [], 1.0 if seconds is None else max(seconds, 0.0))
        for number, _ in self._poll.poll(0):
            connection = self._open[number]
            try:
                if not connection.receive():
                    continue
                self._note(connection, connection.status)
            except BlockingIOError:
                continue
            except OSError:
                if connection in self._idle:
                    self._idle.remove(connection)
                else:
                    self._note(connection, FAILED)
                self._close(connection)
                continue
            connection.clear()
            connection.used_at = time.perf_counter()
            self._idle.append(connection)

    def _note(self, connection: Connection, status: int) -> None:
        self._due.append(connection.due - self._began)
        self._milliseconds.append((time.perf_counter() - connection.due) * 1_000)
        self._status.append(status)

    def _close(self, connection: Connection) -> None:
        del self._open[connection.socket.fileno()]
        self._poll.unregister(connection.socket.fileno())
        connection.socket.close()


if __name__ == "__main__":
    told = json.load(sys.stdin)
    told["requests"] = [Request(**request) for request in told["requests"]]
    Crowd(Plan(**told)).run()
