"""`python -m benchmarks.recommender.search`: draw our own hyperparameters, and see which are best.

As the peers are tuned: by random search on the tuning people alone, the first trial our defaults. But one set has to
serve everywhere: a trial's figure is the mean, over data sets and protocols, of its NDCG@100 in parts of the defaults'.
The protocols are people who are new, without facts and with them, new films, and a new instance.
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

from benchmarks.recommender.data import Dataset, datasets, widened
from benchmarks.recommender.measuring import NEW_FILMS, NEW_INSTANCE, NEW_PEOPLE, measured
from benchmarks.recommender.progress import Progress
from benchmarks.recommender.tuning import Range, Space, draws
from matinee.engine.config import EngineConfig
from matinee.engine.evaluation.cases import Knowledge, Split
from matinee.engine.evaluation.protocols import People, new_instance, new_items, strong_generalisation
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
    "engine.ease.l2": Range(40.0, 400.0),
    "engine.ease.dropout": Range(0.0, 0.5),
    "engine.content_weight": Range(4.0, 60.0),
    "engine.base_weight": Range(0.01, 0.3),
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
}
"""Where defaults are drawn from. Five stars and four stay 1: only proportions matter."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    tell = Progress()
    asked = [each for dataset in datasets(options.ratings, tell) for each in questions(dataset)]
    space = {name: each for name, each in SPACE.items() if name.startswith(tuple(options.only or [""]))}
    results: list[dict[str, Any]] = []
    for drawn in draws(space, {}, options.trials, seed=options.seed):
        hyperparameters = changed(Hyperparameters(EngineConfig(), SignalWeights()), drawn)
        figures = {each.name: each.ndcg(hyperparameters) for each in asked}
        defaults = results[0]["figures"] if results else figures
        mean = float(np.mean([figures[name] / defaults[name] for name in figures]))
        results.append({"changed": drawn, "mean": mean, "figures": figures})
        tell(f"{mean:.4f}  {drawn or 'our defaults'}")
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    best = max(results, key=lambda result: result["mean"])
    print(f"Best of {len(results)}: {best['mean']:.4f} of what the defaults reach, with")
    print("\n".join(f"  {name} = {value}" for name, value in best["changed"].items()) or "  the defaults")
    print("\n".join(f"  {name}: {figure:.4f}" for name, figure in best["figures"].items()))


@dataclass(frozen=True)
class Question:
    """One protocol on the tuning people of one data set."""

    name: str
    split: Split
    knowledge: Knowledge

    def ndcg(self, hyperparameters: Hyperparameters) -> float:
        engine = Engine(self.knowledge, hyperparameters.engine, hyperparameters.signals)
        return float(measured(engine(self.split.train), self.split)["NDCG@100"].mean())


def questions(dataset: Dataset) -> Iterator[Question]:
    ratings, tuning = dataset.ratings, People.of(dataset.ratings).tuning
    split = strong_generalisation(ratings, tuning)
    yield Question(f"{dataset.name}: {NEW_PEOPLE}", split, widened(None, ratings.item_ids))
    if dataset.facts is not None:
        facts = widened(dataset.facts, ratings.item_ids)
        known = dataset.facts.features.item_ids
        yield Question(f"{dataset.name}: {NEW_PEOPLE}, with facts", split, facts)
        yield Question(f"{dataset.name}: {NEW_FILMS}", new_items(ratings, tuning, known), facts)
        yield Question(f"{dataset.name}: {NEW_INSTANCE}", new_instance(ratings, tuning, known), dataset.facts)


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


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommender.search", description=__doc__)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0, help="another one draws others")
    parser.add_argument(
        "--only", action="append", metavar="START", help="search what begins so, as engine.ease or signals"
    )
    parser.add_argument("--ratings", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every trial there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
