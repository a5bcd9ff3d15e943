"""The end of a session, as it is seen by an instance with two web workers over real connections."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

from tests.operations.instances import started
from tests.rounds import rounds

PASSWORD = "correct horse battery staple"
TRIES = 42
"""On each of four connections, after each of three ends: 504."""


class Person:
    """One device of somebody, over a connection of its own for each request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.tokens: dict[str, Any] = {}

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access']}"
        asking.request(method, f"/api/v1/users/{path}", None if body is None else json.dumps(body), headers)
        answer = asking.getresponse()
        content = answer.read()
        asking.close()
        return answer.status, json.loads(content) if content else None

    def sign_in(self, path: str, **body: str) -> Person:
        status, self.tokens = self.ask("POST", path, {"password": PASSWORD, **body})
        assert status in {200, 201}, self.tokens
        return self

    def tries(self, _: int) -> list[int]:
        return [self.ask("GET", "sessions/")[0] for _ in range(TRIES)]


def test_of_500_tries_over_two_workers_none_gets_in_after_the_end_of_a_session(tmp_path: Path) -> None:
    ends: list[Callable[[Person, Person], tuple[int, Any]]] = [
        lambda device, _: device.ask("POST", "logout/", {"refresh": device.tokens["refresh"]}),
        lambda _, other: other.ask("DELETE", "sessions/"),
        lambda _, other: other.ask(
            "POST", "password/change/", {"current_password": PASSWORD, "new_password": f"{PASSWORD} and more"}
        ),
    ]
    limits = {f"MATINEE_LIMIT_{kind}": "0" for kind in ("REGISTER", "SIGN_IN", "WRITES", "READS")}
    with (
        started(tmp_path, "serve", "--workers", "2", "--web-only", **limits) as instance,
        ThreadPoolExecutor(4) as pool,
    ):
        for round_ in range(rounds(1)):
            for number, end in enumerate(ends):
                email = f"person-{round_}-{number}@example.org"
                other = Person(instance.port).sign_in("register/", email=email)
                device = Person(instance.port).sign_in("login/", email=email)
                assert device.ask("GET", "sessions/")[0] == 200

                status, problem = end(device, other)

                assert status == 204, problem
                answered = Counter(chain.from_iterable(pool.map(device.tries, range(4))))
                assert answered == {401: 4 * TRIES}
