"""`python -m benchmarks.recommender`: the engine beside its peers, by five protocols, on real ratings."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recommender.data import datasets
from benchmarks.recommender.measuring import measure
from benchmarks.recommender.peers import PEERS, Peer, Worker
from benchmarks.recommender.progress import Progress
from benchmarks.recommender.publishing import publish
from benchmarks.recommender.report import markdown
from benchmarks.venvs import BENCHMARKS, CannotInstall, versions_of

ROOT = BENCHMARKS.parent
FOLDS = 4
PACKAGES = {"implicit": ["implicit"], "lenskit": ["lenskit"], "vae": ["torch"]}
"""What is told of each peer's environment."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    tell = Progress()
    sets = datasets(options.ratings, tell)
    word = options.only.lower()
    skipped = [each.lower() for each in options.skip]
    peers = [
        peer
        for peer in PEERS
        if peer.name == "popularity"
        or (word in peer.name.lower() and not any(each in peer.name.lower() for each in skipped))
    ]
    record = {"about": _about(arguments, options, peers), "datasets": {}}
    for dataset in sets:
        tell(dataset.name)
        record["datasets"][dataset.name] = measure(
            dataset,
            peers=peers,
            trials=1 if options.quick else options.trials,
            folds=1 if options.quick else FOLDS,
            tell=tell,
        )
        record["about"]["Took"] = f"{tell.minutes:.0f} minutes"
        if options.out:
            publish(record, results=options.out, figures=options.out, page=None)
        elif not options.ratings:
            page = ROOT / "docs" / "recommender.md"
            publish(record, results=BENCHMARKS / "results", figures=ROOT / "docs", page=page)
    print(markdown(json.loads(json.dumps(record))))


def _about(arguments: Sequence[str], options: argparse.Namespace, peers: Sequence[Peer]) -> dict[str, str]:
    ours = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("matinee", "numpy", "scipy"))
    versions: dict[str, str] = {}
    for venv in sorted({peer.venv for peer in peers if isinstance(peer, Worker)}):
        try:
            versions |= versions_of(venv, PACKAGES[venv])
        except CannotInstall as error:
            versions[venv] = str(error)
    return {
        "Command": f"`{shlex.join(['python', '-m', 'benchmarks.recommender', *arguments])}`",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{os.cpu_count()} cores, {platform.system()}, CPython {platform.python_version()}",
        "Tuning": "one trial a peer, its defaults, and one of four folds: a quick look"
        if options.quick
        else f"{options.trials} trials a peer, on three in ten of the people",
        "Matinee": ours,
        "Peers": ", ".join(f"{name} {version}" for name, version in versions.items()) or "none that need packages",
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommender", description=__doc__)
    parser.add_argument("--trials", type=int, default=12, help="of the random search, for each peer")
    parser.add_argument("--quick", action="store_true", help="one trial and one fold, to see that all works")
    parser.add_argument("--only", default="", metavar="WORD", help="only the peers whose name has this word")
    parser.add_argument("--skip", action="append", default=[], metavar="WORD", help="no peer whose name has this word")
    parser.add_argument(
        "--ratings",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a CSV with MovieLens's columns in place of its data sets; timestamps are optional",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write there, and leave results/ and docs/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
