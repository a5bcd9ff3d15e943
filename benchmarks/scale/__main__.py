"""`python -m benchmarks.scale`: two nodes beside one, and what a row takes."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arguments import above_zero, at_least
from benchmarks.http import place
from benchmarks.http.contenders import environment_of
from benchmarks.http.endpoints import FEWEST_FILMS
from benchmarks.scale import nodes
from benchmarks.venvs import BENCHMARKS

RESULTS, WORK = BENCHMARKS / "results", BENCHMARKS / ".work"


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        folder = Path(name)
        row_bytes = _row_bytes(folder / "rows")
        found = nodes.measured(folder, films=options.films, rounds=options.rounds, seconds=options.seconds)
    record: dict[str, Any] = {
        "about": {
            "Command": f"`{shlex.join(['python', '-m', 'benchmarks.scale', *arguments])}`",
            "Date": dt.datetime.now(dt.UTC).date().isoformat(),
            "Machine": f"{len(os.sched_getaffinity(0))} cores, {platform.system()}, Python {platform.python_version()}",
            "Nodes": f"one web worker each, {nodes.CONNECTIONS} connections in all or each, {options.films:,} films; "
            f"{options.rounds} interleaved rounds of {options.seconds:g} s; one PostgreSQL, one Redis",
        },
        "nodes": {
            request: {name: [asdict(one) for one in rounds] for name, rounds in by_number.items()}
            for request, by_number in found.items()
        },
        "row_bytes": row_bytes,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "nodes.json").write_text(json.dumps(record, indent=1) + "\n")
    (options.out / "nodes.md").write_text(markdown(record, found))
    print(markdown(record, found))


def markdown(record: Mapping[str, Any], found: Mapping[str, Mapping[str, Sequence[nodes.Measurement]]]) -> str:
    lines = [
        "# Nodes",
        "",
        "Made by `python -m benchmarks.scale`; [benchmarks/README.md](../README.md) says what is measured and how.",
        "",
        *[f"- {name}: {value}" for name, value in record["about"].items()],
        "",
        "Medians. CPU counts the nodes, PostgreSQL and Redis; waiting is the share of PostgreSQL's busy connections",
        "that, looked at again and again, waited for a lock: a row's, a table's, or one inside the server.",
        "",
        "| request | nodes | CPU, ms | beside one node | requests/s | waiting |",
        "|---|---|---|---|---|---|",
    ]
    for request, rounds in found.items():
        lines += [
            f"| {request} | {name} | {_middle(some, 'cpu_ms'):.2f} | {nodes.ratio(rounds, 'cpu_ms', two=name):.2f} "
            f"| {_middle(some, 'requests_per_second'):.0f} | {_middle(some, 'lock_share'):.1%} |"
            for name, some in rounds.items()
        ]
    lines += ["", "| table | bytes a row, its indexes included |", "|---|---|"]
    lines += [f"| `{table}` | {size:,.0f} |" for table, size in record["row_bytes"].items()]
    return "\n".join([*lines, ""])


def _row_bytes(folder: Path) -> dict[str, float]:
    with place.postgresql(folder) as server:
        env = environment_of(folder, server.get_uri())
        program = [sys.executable, "-m", "benchmarks.scale.rows"]
        done = subprocess.run(program, cwd=BENCHMARKS.parent, env=env, check=True, capture_output=True)
        found: dict[str, float] = json.loads(done.stdout)
        return found


def _middle(rounds: Sequence[nodes.Measurement], figure: str) -> float:
    return float(median(getattr(one, figure) for one in rounds))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--films", type=at_least(FEWEST_FILMS), default=10_000)
    parser.add_argument("--rounds", type=at_least(1), default=5)
    parser.add_argument("--seconds", type=above_zero, default=4.0, help="of each measurement")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
