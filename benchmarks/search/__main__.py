"""`python -m benchmarks.search`: known films asked for as people type them, by our search and by its peers."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.recommender.publishing import between_marks
from benchmarks.search.report import markdown, tables
from benchmarks.search.setup import ROOT, instance, shared

RESULTS = ROOT / "benchmarks" / "results"


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    folder = shared()
    with instance():
        record = measured(folder, options)
    record["about"]["Command"] = shlex.join(["python", "-m", "benchmarks.search", *arguments])
    plain = json.loads(json.dumps(record))
    results = options.out or RESULTS
    results.mkdir(parents=True, exist_ok=True)
    (results / "search.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (results / "search.md").write_text(markdown(plain), encoding="utf-8")
    if options.out is None:
        page = ROOT / "docs" / "search.md"
        page.write_text(between_marks(page.read_text(encoding="utf-8"), tables(plain)), encoding="utf-8")
    print(markdown(plain))


def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    import sqlite3  # noqa: PLC0415 - the one that Matinee's settings choose

    from benchmarks.search import films, fitting, known_items, measuring, systems  # noqa: PLC0415 - Django is up now
    from matinee.search.index import refresh_index, search_index  # noqa: PLC0415 - as above

    tell("loading the films")
    there = films.load(folder)
    started = time.process_time()
    refresh_index()
    build = time.process_time() - started
    index = search_index()
    assert index is not None
    to_fit, to_report = known_items.halves(known_items.known_items(there, each=options.each, seed=options.seed))
    asked: list[systems.System] = [systems.Matinee(), systems.MatineeSuggest()]
    if not options.without_peers:
        asked += systems.peers(there)
    results = {}
    for system in asked:
        tell(system.name)
        results[system.name] = measuring.measure(system, to_report)
    if options.fit:
        tell("trying weights on the other half")
    return {
        "about": {
            "Date": dt.datetime.now(dt.UTC).date().isoformat(),
            "Machine": f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
            "Packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("tantivy", "rapidfuzz")),
            "Films": f"{len(there):,}",
            "Questions reported": f"{len(to_report):,}",
            "Questions to fit on": f"{len(to_fit):,}",
            "Index": f"{sum(file.stat().st_size for file in index.files) / 2**20:.1f} MiB, "
            f"built in {build:.1f} s of CPU, reading the database included",
        },
        "systems": results,
        "left out": systems.LEFT_OUT,
        "fitted": fitting.tried(to_fit) if options.fit else [],
    }


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--each", type=int, default=400, help="questions of every kind; half of them are reported")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fit", action="store_true", help="try weights, too, on the half that is not reported")
    parser.add_argument("--without-peers", action="store_true", help="a quick look at our own")
    parser.add_argument("--out", type=Path, help="write there, and leave results/ and docs/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
