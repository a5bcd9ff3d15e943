"""Three times as many requests as can be answered, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.http.report import figure, page, passage

Record = Mapping[str, Any]
ROWS: Mapping[str, Callable[[Record], str]] = {
    "requests/s that are answered at most": lambda one: figure(one["capacity"]),
    "asked during the overload, requests/s": lambda one: figure(one["asked"]),
    "of these admitted": lambda one: figure(one["admitted"]),
    "failed, all the while": lambda one: str(one["failed"]),
    "few requests: p50, p99, ms": lambda one: f"{figure(one['idle_p50_ms'])}, {figure(one['idle_p99_ms'])}",
    "admitted: p50, ms": lambda one: figure(one["admitted_p50_ms"]),
    "refused: p50, ms": lambda one: figure(one["refused_p50_ms"]),
    "resident memory of a web worker, mapped files included, grew by, MB": lambda one: figure(
        one["resident_grown_bytes"] / 1e6
    ),
    "load generator, cores": lambda one: f"{one['client_cores']:.2f}",
    "server, cores": lambda one: f"{one['server_cores']:.2f}",
    "other programs just before or after, cores": lambda one: f"{one['others_cores']:.2f}",
}
OF_TIME: Mapping[str, tuple[Callable[[Record], float], float]] = {
    "refused, with `Retry-After`: p99 under 100 ms": (lambda one: one["refused_p99_ms"], 100),
    "admitted: p99 at most 2 times that of few requests": (lambda one: one["admitted_p99_ms"] / one["idle_p99_ms"], 2),
    "`/livez`: always under 200 ms": (lambda one: one["liveness_slowest_ms"], 200),
    "recovered within 5 s": (lambda one: one["recovered_seconds"], 5),
}
"""What else the machine does has its part in these."""
GOALS: Mapping[str, tuple[Callable[[Record], float], float]] = {
    **OF_TIME,
    "memory of each web worker: growth under 50 MB": (lambda one: one["grown_bytes"] / 1e6, 50),
    "nothing fails": (lambda one: one["failed"] + one["liveness_failed"], 0),
}


def markdown(record: Record) -> str:
    """Everything that was measured."""
    return page("HTTP: overload", "benchmarks.http.overload", record["about"], _tables(record["rounds"]))


def told(record: Record) -> str:
    """What the page says of it."""
    return passage(record["about"], _tables(record["rounds"]), what=f"; {record['about']['Data']}")


def missed(one: Record) -> list[str]:
    """The goals that were not reached."""
    return [goal for goal, (measured, bound) in GOALS.items() if measured(one) > bound]


def _tables(by_database: Record) -> list[str]:
    heads = " | ".join(by_database)
    rule = f"|---|{'---|' * len(by_database)}"
    shown = {name: [tell(one) for one in by_database.values()] for name, tell in ROWS.items()}
    reached = {
        goal: [f"{figure(measured(one))}: {'no' if goal in missed(one) else 'yes'}" for one in by_database.values()]
        for goal, (measured, _) in GOALS.items()
    }
    return [
        f"| | {heads} |",
        rule,
        *[f"| {name} | {' | '.join(cells)} |" for name, cells in shown.items()],
        "",
        f"| goal: measured, and whether it is reached | {heads} |",
        rule,
        *[f"| {name} | {' | '.join(cells)} |" for name, cells in reached.items()],
    ]
