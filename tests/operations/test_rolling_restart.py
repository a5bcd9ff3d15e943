"""Nodes are replaced one by one under load, and no request fails: whoever sends them looks at /readyz, as balancers do,
and tries nothing twice."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings

from tests.operations.instances import Instance, database, started_on
from tests.operations.processes import eventually, get
from tests.operations.test_killed_processes import NO_LIMITS, PASSWORD, ask
from tests.rounds import TIMES, rounds

DRAIN_SECONDS = "4"
CLIENTS = 4
NO_NODE = 0
Connections = dict[int, http.client.HTTPConnection]


@dataclass
class Balancer:
    """Sends each request to any node that was ready when it was last looked at, over connections that are kept."""

    ready: tuple[int, ...]
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    """By port and status, or how it failed."""
    ended: Counter[int] = field(default_factory=Counter)
    """Connections that an answer ended, by port."""
    stop: threading.Event = field(default_factory=threading.Event)

    def look(self, nodes: list[int]) -> None:
        """What it does about a node again and again."""
        while not self.stop.wait(0.1):
            self.ready = tuple(port for port in [*nodes] if is_ready(port))

    def has_left(self, port: int) -> bool:
        return port not in self.ready

    def send(self, token: str, seed: int) -> None:
        lots, kept = random.Random(seed), Connections()
        while not self.stop.wait(0.005):
            ready = self.ready
            if not ready:
                self.answers[NO_NODE, "no node was ready"] += 1
                continue
            port = lots.choice(ready)
            try:
                self.answers[port, self._write(port, kept, token, lots)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[port, repr(error)] += 1
                kept.pop(port).close()
        for connection in kept.values():
            connection.close()

    def _write(self, port: int, kept: Connections, token: str, lots: random.Random) -> str:
        connection = kept.get(port) or http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        kept[port] = connection
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        body = json.dumps({"first_name": f"Alice {lots.random()}"})
        connection.request("PATCH", "/api/v1/users/profile/", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.will_close:
            self.ended[port] += 1
            kept.pop(port).close()
        return str(answer.status)


def is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return get(port, "/readyz")[0] == 200
    return False


def person(port: int, number: int) -> str:
    names = {"email": f"client{number}@example.org", "username": f"client{number}"}
    status, answer = ask(port, "POST", "users/register/", names | {"password": PASSWORD})
    assert status == 201, answer
    return str(answer["access"])


@contextmanager
def load(nodes: list[int]) -> Iterator[Balancer]:
    balancer = Balancer(tuple(nodes))
    tokens = [person(nodes[0], number) for number in range(CLIENTS)]
    threads = [threading.Thread(target=balancer.send, args=(token, seed)) for seed, token in enumerate(tokens)]
    threads.append(threading.Thread(target=balancer.look, args=(nodes,)))
    for thread in threads:
        thread.start()
    try:
        yield balancer
    finally:
        balancer.stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.skipif(
    settings.EMBEDDED_DATABASE and TIMES == 1, reason="Nodes share a PostgreSQL; on SQLite in soak alone."
)
def test_no_request_fails_while_nodes_are_replaced(tmp_path: Path) -> None:
    with database() as url, ExitStack() as running:

        def node() -> tuple[Instance, ExitStack]:
            own = running.enter_context(ExitStack())
            command = ("serve", "--web-only", "--workers", "1")
            return own.enter_context(
                started_on(url, tmp_path, *command, MATINEE_DRAIN_SECONDS=DRAIN_SECONDS, **NO_LIMITS)
            ), own

        nodes = [node(), node()]
        ports = [instance.port for instance, _ in nodes]
        replaced = []
        with load(ports) as balancer:
            for _ in range(rounds(1)):
                assert eventually(lambda: all(served(balancer, port) >= 10 for port in ports), within=90)
                oldest, its_end = nodes.pop(0)
                oldest.process.terminate()
                assert eventually(partial(balancer.has_left, oldest.port)), "it is not asked any more before it stops"
                assert oldest.process.wait(timeout=60) == 0, oldest.output
                its_end.close()
                ports.remove(oldest.port)
                replaced.append(oldest.port)
                nodes.append(node())
                ports.append(nodes[-1][0].port)
            assert eventually(lambda: served(balancer, ports[-1]) >= 10, within=90)

    assert {status for _, status in balancer.answers} == {"200"}, balancer.answers
    assert all(balancer.ended[port] for port in replaced), "kept connections were ended by answers"
    assert not any(balancer.ended[port] for port in ports)


def served(balancer: Balancer, port: int) -> int:
    return sum(number for (where, _), number in balancer.answers.items() if where == port)
