"""The measured fills as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def markdown(record: Mapping[str, Any]) -> str:
    about = [f"- {name}: {value}" for name, value in record["about"].items()]
    return "\n".join(["# Mirroring TMDb", "", *about, "", table(record), ""])


def table(record: Mapping[str, Any]) -> str:
    """One line a first fill: what the server saw, and what the process that mirrors cost."""
    lines = [
        "| first fill | films | requests | a second | in the fullest second | seconds | own CPU s | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    fills = [("at TMDb's pace", record["paced"]), *(("without a limit", fill) for fill in record["unlimited"])]
    for name, fill in fills:
        figures = [f"{fill['films']:,}", f"{fill['requests']:,}", f"{fill['per_second']:.1f}"]
        figures += [f"{fill['fullest_second']:,}", f"{fill['seconds']:,.0f}", f"{fill['cpu_seconds']:,.0f}"]
        lines.append(f"| {name} | " + " | ".join([*figures, f"{fill['peak_mib']:.0f}"]) + " |")
    return "\n".join(lines)
