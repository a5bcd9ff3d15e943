"""How many workers, requests at once and threads fit a machine, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.http.report import conditions, figure

Record = Mapping[str, Any]
SHOWN = ("cpu_ms", "requests_per_second", "p99_ms")


def markdown(record: Record) -> str:
    """Everything that was measured."""
    lines = [
        "# HTTP: workers and threads",
        "",
        "Made by `python -m benchmarks.http.settings`; [benchmarks/README.md](../README.md) says what is measured.",
        "",
        *[f"- {name}: {value}" for name, value in record["about"].items()],
        f"- {conditions(record['rounds'])}",
        "",
        *_table(record),
    ]
    return "\n".join(lines) + "\n"


def told(record: Record) -> str:
    """What the page says of it."""
    about = record["about"]
    head = f"{about['Date']}, {about['Command']}, {about['Machine']}. {about['Load']}."
    return "\n".join([f"{head} {conditions(record['rounds'])}", "", *_table(record)])


def _table(record: Record) -> list[str]:
    requests = list(record["rounds"])
    heads = " | ".join(f"{name}: CPU, ms | a second | p99, ms" for name in requests)
    return [
        f"| cores, database, workers, at once, runtime | {heads} |",
        f"|---|{'---|---|---|' * len(requests)}",
        *[
            f"| {server} | "
            + " | ".join(
                figure(median(one[name] for one in record["rounds"][request][server]))
                for request in requests
                for name in SHOWN
            )
            + " |"
            for server in record["servers"]
        ],
    ]
