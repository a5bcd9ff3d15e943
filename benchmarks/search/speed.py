"""`python -m benchmarks.search.speed --films 10000 100000 1000000`: how cost grows with the films, in one process.

Beyond the real ones the films are made up: real films with one word of their title changed for another title's. They
stand in the index alone, not in a database, so that a question's cost is that of the text search.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.paths import RESULTS
from benchmarks.search.setup import instance, shared


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    folder = shared()
    with instance():
        from benchmarks.search.growth import measured  # noqa: PLC0415 - Django is set up only now

        record = {"about": _about(), "sizes": [measured(folder, films) for films in options.films]}
    plain = json.loads(json.dumps(record))
    results = options.out or RESULTS
    results.mkdir(parents=True, exist_ok=True)
    (results / "search-speed.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (results / "search-speed.md").write_text(markdown(plain), encoding="utf-8")
    print(markdown(plain))


def markdown(record: Mapping[str, Any]) -> str:
    about = [f"- {name}: {value}" for name, value in record["about"].items()]
    return "\n".join(["# How search grows", "", *about, "", table(record), ""])


def table(record: Mapping[str, Any]) -> str:
    """By number of films: CPU milliseconds of one core, room and memory."""
    lines = [
        "| films | search p50 | p99 | most | suggest p50 | p99 | most | filtered | index MiB | memory MiB | build, s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for size in record["sizes"]:
        times = [f"{size[kind][name]:.2f}" for kind in ("search", "suggest") for name in ("p50", "p99", "most")]
        rest = [f"{size[name]:.0f}" for name in ("broad_ms", "index_mib", "resident_mib", "build_cpu_seconds")]
        lines.append(f"| {size['films']:,} | " + " | ".join([*times, *rest]) + " |")
    return "\n".join(lines)


def _about() -> dict[str, str]:
    return {
        "Made by": "python -m benchmarks.search.speed",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{platform.machine()}, Python {platform.python_version()}",
        "Films": "real ones first, then made up: real films with one word of the title changed",
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search.speed", description=__doc__)
    parser.add_argument("--films", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--out", type=Path, help="write there, and leave results/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
