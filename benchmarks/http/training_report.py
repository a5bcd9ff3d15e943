"""What requests wait for beside a training, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.http.report import page, passage, shown, spread

Record = Mapping[str, Any]


def markdown(record: Record) -> str:
    """Everything that was measured."""
    return page("HTTP: beside a training", "benchmarks.http.training", record["about"], _table(record))


def told(record: Record) -> str:
    """What the page says of it."""
    return passage(record["about"], _table(record), what=f"; {record['about']['Data']}")


def _table(record: Record) -> list[str]:
    rounds_of: dict[int | None, list[Record]] = {}
    for one in record["rounds"]:
        rounds_of.setdefault(one["niceness"], []).append(one)
    names = {None: "nothing is trained", record["as_the_job_worker"]: "**{}, as the job worker trains**"}
    return [
        "| niceness of the training | p50, ms | p99, ms | failed | a training takes, s |",
        "|---|---|---|---|---|",
        *[
            f"| {names.get(niceness, '{}').format(niceness)} | {_cells(rounds_of[niceness])} |"
            for niceness in sorted(rounds_of, key=lambda niceness: -1 if niceness is None else niceness)
        ],
        "",
        f"Other programs took {max(one['others_cores'] for one in record['rounds']):.2f} cores at most before a round.",
    ]


def _cells(rounds: Sequence[Record]) -> str:
    took = [one["training_seconds"] for one in rounds if one["training_seconds"] is not None]
    cells = [
        *(shown(spread([one[name] for one in rounds])) for name in ("p50_ms", "p99_ms")),
        str(sum(one["failed"] for one in rounds)),
        shown(spread(took)) if took else "",
    ]
    return " | ".join(cells)
