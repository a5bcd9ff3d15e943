"""What growth of the catalogue costs, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.http.report import MIB, conditions, figure, medians, page, passage, shown

Record = Mapping[str, Any]


def markdown(record: Record) -> str:
    """Everything that was measured."""
    body = [*_tables(record), "", *medians(record["summary"])]
    title, beside = "HTTP: growth of the catalogue", conditions(record["rounds"])
    return page(title, "benchmarks.http.growth", record["about"], body, beside=beside)


def told(record: Record) -> str:
    """What the page says of it."""
    what = "; medians with their spread"
    return passage(record["about"], _tables(record), what=what, beside=conditions(record["rounds"]))


def _tables(record: Record) -> list[str]:
    """CPU a request and how many times that of the smallest catalogue, round by round; building; memory."""
    small, *larger = record["servers"]
    head = " | ".join(f"{name} | times" for name in larger)
    return [
        f"| request, ms of CPU | {small} | {head} |",
        f"|---|---|{'---|---|' * len(larger)}",
        *[
            f"| {name} | {shown(one['servers'][small]['cpu_ms'])} | "
            + " | ".join(
                f"{shown(one['servers'][large]['cpu_ms'])} | {figure(one['better_by'][large]['cpu_ms']['median'])}"
                for large in larger
            )
            + " |"
            for name, one in record["summary"].items()
        ],
        "",
        "| published | of | seconds | of CPU | own memory at most, MiB | files, MiB |",
        "|---|---|---|---|---|---|",
        *[
            f"| {projection} | {name} | {figure(one['seconds'])} | {figure(one['cpu_seconds'])} "
            f"| {one['own_bytes'] / MIB:.0f} | {one['file_bytes'] / MIB:,.0f} |"
            for name, made in record["builds"].items()
            for projection, one in made.items()
        ],
        "",
        "| own memory of the largest process, mapped files aside, MiB | just started | after all rounds |",
        "|---|---|---|",
        *[
            f"| {server} | {memory['started'] / MIB:.0f} | {memory['ended'] / MIB:.0f} |"
            for server, memory in record["memory_bytes"].items()
        ],
    ]
