"""`python -m benchmarks.recommender.search`: draw our own hyperparameters, and see which are best.

As the peers are tuned: by random search on the tuning people alone, the first trial our defaults. But one set has to
serve everywhere: a trial's figure is the mean, over data sets and protocols, of its NDCG@100 and Recall@20 in parts of
the defaults'. The protocols are people who are new, without facts and with them, in time at four dates, few signals,
new films, and a new instance. With `--try` what is named is tried in place of draws, to see what one choice is worth.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import at_least
from benchmarks.recommender.data import Dataset, datasets, widened
from benchmarks.recommender.measuring import (
    IN_TIME,
    LEADING,
    NEW_FILMS,
    NEW_INSTANCE,
    NEW_PEOPLE,
    measured,
)
from benchmarks.recommender.progress import Progress
from benchmarks.recommender.tuning import Range, Space, draws
from matinee.engine.config import EngineConfig
from matinee.engine.evaluation.cases import Knowledge, Split
from matinee.engine.evaluation.protocols import (
    People,
    few_signals,
    in_time,
    new_instance,
    new_items,
    strong_generalisation,
)
from matinee.engine.evaluation.systems import Engine
from matinee.engine.signals import SignalWeights


@dataclass(frozen=True)
class Hyperparameters:
    """All that is searched; a name in SPACE is the path from here."""

    engine: EngineConfig
    signals: SignalWeights


SPACE: Space = {
    "engine.ease.values_of_stars.0": Range(0.0, 0.5),
    "engine.ease.values_of_stars.1": Range(0.0, 0.6),
    "engine.ease.values_of_stars.2": Range(0.2, 0.9),
    "engine.ease.values_of_stars.3": Range(0.7, 1.0),
    "engine.ease.l2": Range(60.0, 250.0),
    "engine.ease.dropout": Range(0.4, 0.9),
    "engine.ease.dropout_of_few": Range(0.8, 0.98),
    "engine.ease.generosity_doubt": Range(2.0, 50.0),
    "engine.ease.opinion_weight": Range(0.02, 0.5),
    "engine.ease.run_length": Range(6, 24, is_whole=True),
    "engine.ease.run_weight": Range(0.2, 1.5),
    "engine.content_weight": Range(4.0, 60.0),
    "engine.tail_content_weight": Range(1.0, 30.0),
    "engine.links_patience": Range(4.0, 40.0),
    "engine.base_weight": Range(0.03, 0.3),
    "engine.base_patience": Range(2.0, 40.0),
    "engine.base_half_life": Range(0.1, 1.0),
    "engine.base_doubt": Range(5.0, 80.0),
    "engine.features.genres": Range(0.0, 0.2),
    "engine.features.keywords": Range(0.1, 0.6),
    "engine.features.directors": Range(0.05, 0.4),
    "engine.features.cast": Range(0.1, 0.6),
    "engine.features.languages": Range(0.0, 0.1),
    "engine.features.countries": Range(0.0, 0.1),
    "engine.features.companies": Range(0.0, 0.2),
    "engine.features.eras": Range(0.0, 0.2),
    "signals.of_stars.0": Range(-0.6, 0.2),
    "signals.of_stars.1": Range(-0.4, 0.3),
    "signals.of_stars.2": Range(0.0, 0.8),
    "signals.of_stars.3": Range(0.7, 1.0),
}
"""Where defaults are drawn from. Five stars stay 1: only proportions matter."""
HELD_OUT = 2
"""So many times what tuning people show is drawn anew: they are few."""
DATES = (0.5, 0.6, 0.7, 0.8)
"""The shares of all ratings before the dates of protocol 2; one date asks too few tuning people."""
FEW = (5, 20)
"""How many signals are few."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    tell = Progress()
    asked = [each for dataset in datasets(options.ratings, tell) for each in questions(dataset)]
    space = {name: each for name, each in SPACE.items() if name.startswith(tuple(options.only or [""]))}
    results: list[dict[str, Any]] = []
    tried = [{}, *options.tried] if options.tried else draws(space, {}, options.trials, seed=options.seed)
    for drawn in tried:
        hyperparameters = changed(Hyperparameters(EngineConfig(), SignalWeights()), drawn)
        figures = {each.name: each.figures(hyperparameters) for each in asked}
        first = results[0]["figures"] if results else figures
        mean = float(np.mean([figures[name][metric] / first[name][metric] for name in figures for metric in LEADING]))
        results.append({"changed": drawn, "mean": mean, "figures": figures})
        tell(f"{mean:.4f}  {drawn or 'our defaults'}")
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    best = max(results, key=lambda result: result["mean"])
    print(f"Best of {len(results)}: {best['mean']:.4f} of what the defaults reach, with")
    print("\n".join(f"  {name} = {value}" for name, value in best["changed"].items()) or "  the defaults")
    for name, figures in best["figures"].items():
        print(f"  {name}: {', '.join(f'{metric} {figure:.4f}' for metric, figure in figures.items())}")


@dataclass(frozen=True)
class Question:
    """One protocol on the tuning people of one data set."""

    name: str
    splits: Sequence[Split]
    knowledge: Knowledge

    def figures(self, hyperparameters: Hyperparameters) -> dict[str, float]:
        """Metric → mean over the people of all splits."""
        engine = Engine(self.knowledge, hyperparameters.engine, hyperparameters.signals)
        parts = [measured(engine(split.train), split) for split in self.splits]
        return {metric: float(np.concatenate([part[metric] for part in parts]).mean()) for metric in LEADING}


def questions(dataset: Dataset) -> Iterator[Question]:
    ratings, people = dataset.ratings, People.of(dataset.ratings)
    tuning, bare = people.tuning, widened(None, ratings.item_ids)
    splits = [strong_generalisation(ratings, tuning, seed=seed) for seed in range(HELD_OUT)]
    yield Question(f"{dataset.name}: {NEW_PEOPLE}", splits, bare)
    for few in FEW:
        yield Question(f"{dataset.name}: {few} of 40", [few_signals(split, few) for split in splits], bare)
    if ratings.timestamps is not None:
        others = np.concatenate(people.folds)
        in_times = [in_time(ratings, share_before=share, exclude=others) for share in DATES]
        yield Question(f"{dataset.name}: {IN_TIME}", in_times, bare)
    if dataset.facts is not None:
        facts = widened(dataset.facts, ratings.item_ids)
        known = dataset.facts.features.item_ids
        yield Question(f"{dataset.name}: {NEW_PEOPLE}, with facts", splits, facts)
        yield Question(f"{dataset.name}: {NEW_FILMS}", [new_items(ratings, tuning, known)], facts)
        yield Question(f"{dataset.name}: {NEW_INSTANCE}", [new_instance(ratings, tuning, known)], dataset.facts)


def changed(hyperparameters: Hyperparameters, drawn: Mapping[str, float]) -> Hyperparameters:
    """With each drawn value in the place that its name says. Raises ValueError where there is none."""
    for name, value in drawn.items():
        hyperparameters = _put(hyperparameters, name.split("."), value)
    return hyperparameters


def _put(into: Any, path: Sequence[str], value: float) -> Any:
    if not path:
        return value
    name, *rest = path
    if isinstance(into, tuple) and name.isdigit() and int(name) < len(into):
        place = int(name)
        return (*into[:place], _put(into[place], rest, value), *into[place + 1 :])
    if is_dataclass(into) and not isinstance(into, type) and name in {each.name for each in fields(into)}:
        return replace(into, **{name: _put(getattr(into, name), rest, value)})
    raise ValueError(f"There is no {name!r} in {type(into).__name__}.")


def _changes(text: str) -> dict[str, float]:
    """From NAME=VALUE,…"""
    pairs = (each.partition("=") for each in text.split(","))
    return {name: float(value) for name, _, value in pairs}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommender.search", description=__doc__)
    parser.add_argument("--trials", type=at_least(1), default=12)
    parser.add_argument("--seed", type=int, default=0, help="another one draws others")
    parser.add_argument(
        "--only", action="append", metavar="START", help="search what begins so, as engine.ease or signals"
    )
    parser.add_argument(
        "--try",
        action="append",
        default=[],
        type=_changes,
        dest="tried",
        metavar="NAME=VALUE,…",
        help="try this in place of draws, as engine.ease.run_weight=0; may be given several times",
    )
    parser.add_argument("--ratings", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every trial there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
