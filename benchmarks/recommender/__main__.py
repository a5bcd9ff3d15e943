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
from typing import Any

from benchmarks.arguments import at_least, word_of
from benchmarks.recommender.data import datasets
from benchmarks.recommender.earlier import known, on_record, with_kept
from benchmarks.recommender.measuring import measure
from benchmarks.recommender.peers import PEERS, Peer, Worker
from benchmarks.recommender.progress import Progress
from benchmarks.recommender.publishing import publish
from benchmarks.recommender.report import markdown
from benchmarks.venvs import BENCHMARKS, CannotInstall, versions_of

ROOT = BENCHMARKS.parent
FOLDS = 4
NOT_ASKED = "It was not asked for."
PACKAGES = {"implicit": ["implicit"], "lenskit": ["lenskit"], "vae": ["torch"]}
"""What is told of each peer's environment."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    tell = Progress()
    sets = [each for each in datasets(options.ratings, tell) if options.set.lower() in each.name.lower()]
    names = [each.name for each in sets]
    if not names:
        sys.exit(f"There is no data set here that is named {options.set!r}.")
    peers = [
        peer
        for peer in PEERS
        if peer.name == "popularity"
        or (options.only in peer.name.lower() and not any(each in peer.name.lower() for each in options.skip))
    ]
    results = options.out or BENCHMARKS / "results"
    earlier = on_record(results)
    about = _about(arguments, options, peers)
    not_asked = [peer.name for peer in PEERS if peer not in peers]
    others = earlier if options.set and not options.ratings else {}
    record: dict[str, Any] = {"datasets": {name: others[name] for name in others if name not in names}}
    for dataset in sets:
        tell(dataset.name)
        measured = measure(
            dataset,
            peers=peers,
            trials=1 if options.quick else options.trials,
            folds=1 if options.quick else FOLDS,
            tell=tell,
            known=known(earlier.get(dataset.name, {})) if options.as_tuned else {},
        )
        measured["left out"] = dict.fromkeys(not_asked, NOT_ASKED) | measured["left out"]
        if options.as_tuned:
            measured = with_kept(measured, earlier.get(dataset.name, {}), not_asked)
        record["datasets"][dataset.name] = {"about": about | {"Took": f"{tell.minutes:.0f} minutes"}, **measured}
        if options.out:
            publish(record, results=results, figures=results, page=None)
        elif not options.ratings:
            publish(record, results=results, figures=ROOT / "docs", page=ROOT / "docs" / "recommender.md")
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
        "Tuning": _tuning(options),
        "Matinee": ours,
        "Peers": ", ".join(f"{name} {version}" for name, version in versions.items()) or "none that need packages",
    }


def _tuning(options: argparse.Namespace) -> str:
    if options.quick:
        return "one trial a peer, its defaults, and one of four folds: a quick look"
    searched = f"{options.trials} trials a peer, on three in ten of the people"
    return f"{searched}, in an earlier run, as are figures of peers not run again" if options.as_tuned else searched


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommender", description=__doc__)
    of_a_peer = word_of([peer.name for peer in PEERS])
    parser.add_argument("--trials", type=at_least(1), default=12, help="of the random search, for each peer")
    parser.add_argument("--set", default="", metavar="WORD", help="only data sets so named; others stay on record")
    parser.add_argument(
        "--as-tuned",
        action="store_true",
        help="peers as on record tuned, and of those not asked for the figures on record",
    )
    parser.add_argument("--quick", action="store_true", help="one trial and one fold, to see that all works")
    parser.add_argument("--only", type=of_a_peer, default="", metavar="WORD", help="only peers so named")
    parser.add_argument("--skip", type=of_a_peer, action="append", default=[], metavar="WORD", help="no peer so named")
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
