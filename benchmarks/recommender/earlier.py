"""What earlier runs have on record: other data sets, what peers were tuned to, and figures of peers not run again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.recommender.measuring import BEYOND, FEW_SIGNALS, IN_TIME, LEADING, NEW_PEOPLE
from benchmarks.recommender.tuning import Tuned

OfSet = Mapping[str, Any]
"""What is on record of one data set, or nothing."""


def on_record(results: Path) -> dict[str, OfSet]:
    """By data set."""
    there = results / "recommender.json"
    sets: dict[str, OfSet] = json.loads(there.read_text(encoding="utf-8"))["datasets"] if there.exists() else {}
    return sets


def known(earlier: OfSet) -> dict[str, Tuned]:
    """What the peers were tuned to."""
    return {peer: Tuned(**of_peer) for peer, of_peer in earlier.get("tuned", {}).items()}


def with_kept(measured: dict[str, Any], earlier: OfSet, peers: Sequence[str]) -> dict[str, Any]:
    """With the figures that `earlier` has of these peers, which were not run again: they answer the same people.

    Raises ValueError where one of them is ahead of all that were run, since leads over it can't be told.
    """
    kept = {
        protocol: _joined(earlier[protocol]["systems"], measured[protocol]["systems"], peers)
        for protocol in (NEW_PEOPLE, IN_TIME, FEW_SIGNALS)
        if protocol in earlier and protocol in measured
    }
    for protocol in (NEW_PEOPLE, IN_TIME):
        for metric in LEADING if protocol in kept else ():
            over = kept[protocol][measured[protocol]["leads"][metric]["over"]][metric]["mean"]
            ahead = [peer for peer in peers if kept[protocol].get(peer, {metric: {"mean": 0}})[metric]["mean"] > over]
            if ahead:
                raise ValueError(f"{ahead[0]} leads {protocol} by {metric}: run it, too.")
    tuned = {**earlier.get("tuned", {}), **measured["tuned"]}
    left_out = {name: why for name, why in measured["left out"].items() if name not in tuned}
    systems = {protocol: measured[protocol] | {"systems": of_protocol} for protocol, of_protocol in kept.items()}
    beyond = _joined(earlier.get(BEYOND, {}), measured[BEYOND], peers)
    return measured | systems | {BEYOND: beyond, "tuned": tuned, "left out": left_out}


def _joined(earlier: OfSet, measured: OfSet, peers: Iterable[str]) -> dict[str, Any]:
    """In the order of the earlier run."""
    there = {name: of_system for name, of_system in earlier.items() if name in measured or name in peers}
    return {**there, **measured}
