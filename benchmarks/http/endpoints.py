"""What is asked of the servers. Both get the same requests, byte for byte but the token."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.http.client import Request
from benchmarks.http.servers import USERNAME

MOVIES = "/api/v1/movies/"
FILTER = "with_genres=18&primary_release_date.gte=2000-01-01&vote_count.gte=50&sort_by=vote_average.desc"
PAGES, PAGES_OF_FILTERED, PAGES_OF_FAVORITES, PAGES_OF_RECOMMENDATIONS = 25, 10, 3, 5
DETAILS = 200
FEWEST_FILMS = 1_000
"""So that each of those pages has some: the peers answer one that has none with a 404."""
WRITTEN = 500
"""So many films that are on none of the person's lists are rated in turn, or made favourites and undone."""


@dataclass(frozen=True)
class Endpoint:
    """`requests` are asked in turn; `clean_up` undoes what they wrote. The floor is measured with one that has it."""

    name: str
    requests: Sequence[Request]
    signed_in: bool = True
    ours_alone: bool = False
    has_floor: bool = False
    clean_up: Sequence[Request] = ()


def endpoints(rows: Mapping[str, list[dict[str, Any]]]) -> list[Endpoint]:
    films = sorted(rows["films"], key=lambda film: (-(film["popularity"] or 0), film["tmdb_id"]))
    [asks] = [person["id"] for person in rows["people"] if person["username"] == USERNAME]
    lists = itertools.chain.from_iterable(rows[name] for name in ("favorites", "watchlist", "ratings"))
    taken = {entry["movie_id"] for entry in lists if entry["user_id"] == asks}
    free = [film["tmdb_id"] for film in films if film["id"] not in taken][:WRITTEN]
    chance = random.Random(0)
    undo_favorites = [Request("DELETE", f"{MOVIES}favorites/{id_}/") for id_ in free]
    favorites = [Request("POST", f"{MOVIES}favorites/", json.dumps({"movie_id": id_})) for id_ in free]
    return [
        Endpoint("list, signed in", pages(MOVIES, PAGES), has_floor=True),
        Endpoint("list, signed out", pages(MOVIES, PAGES), signed_in=False),
        Endpoint("filtered list, signed in", pages(f"{MOVIES}?{FILTER}", PAGES_OF_FILTERED)),
        Endpoint("detail, signed in", [Request("GET", f"{MOVIES}{film['tmdb_id']}/") for film in films[:DETAILS]]),
        Endpoint("favourites list", pages(f"{MOVIES}favorites/", PAGES_OF_FAVORITES)),
        Endpoint("rate", [_rate(id_, chance.randint(1, 5)) for id_ in free], clean_up=_undo_ratings(free)),
        Endpoint(
            "favourite, and undo",
            [*favorites, *undo_favorites],
            clean_up=undo_favorites,
        ),
        Endpoint("recommendations", pages(f"{MOVIES}recommendations/", PAGES_OF_RECOMMENDATIONS), ours_alone=True),
    ]


def names() -> list[str]:
    """Of them all, which are the same whatever the rows are."""
    no_rows: dict[str, list[dict[str, Any]]] = {"films": [], "favorites": [], "watchlist": [], "ratings": []}
    return [one.name for one in endpoints({**no_rows, "people": [{"id": 0, "username": USERNAME}]})]


def pages(path: str, number: int) -> list[Request]:
    return [Request("GET", f"{path}{'&' if '?' in path else '?'}page={page}") for page in range(1, number + 1)]


def _rate(tmdb_id: int, stars: int) -> Request:
    return Request("POST", f"{MOVIES}{tmdb_id}/rate/", json.dumps({"rating": stars}))


def _undo_ratings(tmdb_ids: Sequence[int]) -> list[Request]:
    return [Request("DELETE", f"{MOVIES}{tmdb_id}/rate/") for tmdb_id in tmdb_ids]
