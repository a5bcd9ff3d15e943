"""The measured fills as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = {"paced": "at TMDb's pace", "unlimited": "without a limit"}


def markdown(record: Mapping[str, Any]) -> str:
    lines = ["# Mirroring TMDb", ""]
    for part, name in NAMES.items():
        if part in record:
            lines += [f"- {name}: {'; '.join(record[part]['about'].values())}"]
    return "\n".join([*lines, "", table(record), ""])


def table(record: Mapping[str, Any]) -> str:
    """One line a first fill: what the server saw, and what the process that mirrors cost."""
    lines = [
        "| first fill | films | requests | a second | in the fullest second | seconds | own CPU s | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for part, name in NAMES.items():
        for fill in record.get(part, {"fills": []})["fills"]:
            figures = [f"{fill['films']:,}", f"{fill['requests']:,}", f"{fill['per_second']:.1f}"]
            figures += [f"{fill['fullest_second']:,}", f"{fill['seconds']:,.0f}", f"{fill['cpu_seconds']:,.0f}"]
            lines.append(f"| {name} | " + " | ".join([*figures, f"{fill['peak_mib']:.0f}"]) + " |")
    return "\n".join(lines)
