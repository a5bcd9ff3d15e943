"""How near the top each system puts the film that was meant."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from benchmarks.search.known_items import KnownItem

Figures = Mapping[str, float]
ALL = "all kinds alike"
DEPTH = 10


class System(Protocol):
    name: str

    def ask(self, text: str) -> list[int]:
        """The TMDb ids of the first DEPTH films."""
        ...


def measure(
    system: System, items: Sequence[KnownItem], *, clock: Callable[[], float] = time.process_time
) -> dict[str, Any]:
    """By kind: MRR@10, success@1, success@10 and the number of questions; and what a question costs by `clock`."""
    places: dict[str, list[int]] = {}
    milliseconds = []
    for item in items:
        started = clock()
        answer = system.ask(item.text)
        milliseconds.append((clock() - started) * 1_000)
        places.setdefault(item.kind, []).append(place_of(item.tmdb_id, answer))
    by_kind = {kind: figures(found) for kind, found in places.items()}
    milliseconds.sort()
    return {
        "kinds": {**by_kind, ALL: mean(list(by_kind.values()))},
        "cpu_ms": {"p50": milliseconds[len(milliseconds) // 2], "p99": milliseconds[len(milliseconds) * 99 // 100]},
    }


def place_of(tmdb_id: int, answer: Sequence[int]) -> int:
    """1 is the top; 0 is not there."""
    return answer.index(tmdb_id) + 1 if tmdb_id in answer[:DEPTH] else 0


def figures(places: Sequence[int]) -> dict[str, float]:
    return {
        "MRR@10": sum(1 / place for place in places if place) / len(places),
        "success@1": sum(place == 1 for place in places) / len(places),
        "success@10": sum(place > 0 for place in places) / len(places),
        "questions": len(places),
    }


def mean(of_kinds: Sequence[Figures]) -> dict[str, float]:
    """Every kind counts the same, however many questions it has."""
    means = {name: sum(kind[name] for kind in of_kinds) / len(of_kinds) for name in of_kinds[0] if name != "questions"}
    return {**means, "questions": sum(kind["questions"] for kind in of_kinds)}
