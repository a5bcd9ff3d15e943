"""`python -m benchmarks.search`: known films asked for as people type them, by our search and by its peers."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import at_least
from benchmarks.marks import between_marks
from benchmarks.paths import RESULTS, ROOT
from benchmarks.search.report import markdown, tables
from benchmarks.search.setup import instance, shared


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    folder = shared()
    with instance():
        from benchmarks.search.asking import measured  # noqa: PLC0415 - Django is set up only now

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


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument(
        "--each", type=at_least(2), default=400, help="questions of every kind; half of them are reported"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fit", action="store_true", help="try weights, too, on the half that is not reported")
    parser.add_argument("--without-peers", action="store_true", help="a quick look at our own")
    parser.add_argument("--out", type=Path, help="write there, and leave results/ and docs/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
