"""What a person has done counts in their next request, though many others wait before and behind it."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.operations.instances import database, started_on
from tests.operations.test_killed_processes import FILMS, NO_LIMITS, PASSWORD, ask, prepared
from tests.rounds import rounds

EACH = 5
"""Connections of each who is in the crowd."""


def registered(port: int, name: str) -> str:
    """Their access token."""
    status, tokens = ask(port, "POST", "users/register/", {"email": f"{name}@example.org", "password": PASSWORD})
    assert status == 201, tokens
    return str(tokens["access"])


@contextmanager
def crowd(port: int, *tokens: str | None) -> Iterator[Counter[int]]:
    """Each asks for the list without end, over some connections that stay open; gives how they were answered."""
    stop, answered = threading.Event(), Counter[int]()

    def ask_on(token: str | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not stop.is_set():
            connection.request("GET", "/api/v1/movies/", headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            answer.read()
            answered[answer.status] += 1
        connection.close()

    threads = [threading.Thread(target=ask_on, args=(token,)) for token in tokens for _ in range(EACH)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_what_was_done_and_which_session_has_ended_counts_at_once_in_a_crowd(tmp_path: Path) -> None:
    with database() as url:
        prepared(url, tmp_path)
        with started_on(url, tmp_path, "serve", "--web-only", "--workers", "1", **NO_LIMITS) as instance:
            port = instance.port
            alice, bob = registered(port, "alice"), registered(port, "bob")
            film = FILMS[0]
            with crowd(port, alice, bob, None) as answered:
                seen = []
                for _ in range(rounds(10)):
                    assert ask(port, "POST", "movies/favorites/", {"movie_id": film}, alice)[0] == 201
                    seen.append(ask(port, "GET", f"movies/{film}/", token=alice)[1]["is_favorite"])
                    assert ask(port, "DELETE", f"movies/favorites/{film}/", token=alice)[0] == 204
                    seen.append(ask(port, "GET", f"movies/{film}/", token=alice)[1]["is_favorite"])
                tries = []
                for _ in range(rounds(2)):
                    _, tokens = ask(port, "POST", "users/login/", {"email": "bob@example.org", "password": PASSWORD})
                    access, refresh = tokens["access"], {"refresh": tokens["refresh"]}
                    tries += [ask(port, "GET", "movies/", token=access)[0]]
                    tries += [ask(port, "POST", "users/logout/", refresh, access)[0]]
                    tries += [ask(port, "GET", "movies/", token=access)[0] for _ in range(5)]

    assert seen == [True, False] * rounds(10)
    assert tries == [200, 204, *[401] * 5] * rounds(2)
    assert answered.keys() == {200}
    assert answered[200] > len(seen)
