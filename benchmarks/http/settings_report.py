"""How many workers, requests at once and threads fit a machine, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.http.report import conditions, figure, page, passage

Record = Mapping[str, Any]
SHOWN = ("cpu_ms", "requests_per_second", "p99_ms")


def markdown(record: Record) -> str:
    """Everything that was measured."""
    title, beside = "HTTP: workers and threads", conditions(record["rounds"])
    return page(title, "benchmarks.http.settings", record["about"], _table(record), beside=beside)


def told(record: Record) -> str:
    """What the page says of it."""
    return passage(record["about"], _table(record), beside=conditions(record["rounds"]))


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
