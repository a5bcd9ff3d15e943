"""What is asked of the servers that are measured."""

from __future__ import annotations

from typing import Any

from benchmarks.http.client import Request
from benchmarks.http.endpoints import MOVIES, endpoints
from benchmarks.http.servers import USERNAME

FILMS = range(1, 301)


def entry(number: int, *, user_id: int) -> dict[str, Any]:
    return {"user_id": user_id, "movie_id": number}


def test_films_are_written_that_are_on_none_of_the_persons_own_lists_however_few_are_on_nobodys() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "people": [{"id": 1, "username": USERNAME}, {"id": 2, "username": "other"}],
        "films": [{"id": number, "tmdb_id": 1_000 + number, "popularity": None} for number in FILMS],
        "favorites": [entry(1, user_id=1), *(entry(number, user_id=2) for number in FILMS)],
        "watchlist": [entry(2, user_id=1)],
        "ratings": [entry(3, user_id=1)],
    }

    asked = {endpoint.name: endpoint for endpoint in endpoints(rows)}

    rated = [request.path for request in asked["rate"].requests]
    assert rated == [f"{MOVIES}{1_000 + number}/rate/" for number in FILMS[3:]]
    assert Request("DELETE", f"{MOVIES}favorites/1004/") in asked["favourite, and undo"].requests
