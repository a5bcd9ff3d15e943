"""Before anything is measured: all servers must say the same, film by film and flag by flag."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from benchmarks.http.client import Request
from benchmarks.http.endpoints import Endpoint
from benchmarks.http.servers import Answer, Server

ASKED = 3
"""So many requests of each endpoint are compared."""
OWN_TO_EACH = frozenset({"next", "previous"})  # they name the server's port
OURS_ALONE = frozenset(  # on a detail: the peer predicts nothing, and has the names of people and keywords alone
    {
        *("predicted_rating", "credits", "keyword_ids", "collection", "certifications", "watch_providers", "videos"),
        "alternative_titles",
    }
)
TIMES = frozenset({"created_at", "updated_at"})
TOTALS = frozenset({"total_pages", "total_results"})


class Disagreement(Exception):
    """The servers differ, so that their speeds can't be compared; the message says on what."""


def hold_to_the_same(ours: Server, other: Server, asked: Iterable[Endpoint], *, whole: bool) -> int:
    """Returns how many answers were equal. Raises Disagreement. Not `whole`: totals are left out, since Matinee counts
    what it pages."""
    equal = 0
    for endpoint in asked:
        wrote = bool(endpoint.clean_up)
        for request in [*endpoint.requests[:ASKED], *endpoint.clean_up[:ASKED]]:
            answers = [server.ask(request, signed_in=endpoint.signed_in) for server in (ours, other)]
            _compare(request, *answers, left_out=_left_out(wrote=wrote, whole=whole))
            equal += 1
    return equal


def _left_out(*, wrote: bool, whole: bool) -> frozenset[str]:
    return OWN_TO_EACH | OURS_ALONE | (TIMES if wrote else frozenset()) | (frozenset() if whole else TOTALS)


def _compare(request: Request, one: Answer, other: Answer, *, left_out: frozenset[str]) -> None:
    if one.status != other.status or one.status >= 300:
        raise Disagreement(f"{request.method} {request.path} is answered with {one.status} and {other.status}.")
    for place, ours, theirs in _differences("", _plain(one.body, left_out), _plain(other.body, left_out)):
        raise Disagreement(f"{request.method} {request.path} differs at {place}: {ours!r} and {theirs!r}.")


def _differences(place: str, one: Any, other: Any) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _differences(f"{place}.{key}", one.get(key, "absent"), other.get(key, "absent"))
    elif isinstance(one, list) and isinstance(other, list):
        for number, pair in enumerate(zip_longest(one, other, fillvalue="absent")):
            yield from _differences(f"{place}[{number}]", *pair)
    elif one != other:
        yield place, one, other


def _plain(value: Any, left_out: frozenset[str]) -> Any:
    """Without what is left out, and each time as an instant, however it is written."""
    if isinstance(value, list):
        return [_plain(item, left_out) for item in value]
    if isinstance(value, dict):
        return {
            key: dt.datetime.fromisoformat(item) if key in TIMES else _plain(item, left_out)
            for key, item in value.items()
            if key not in left_out
        }
    return value
