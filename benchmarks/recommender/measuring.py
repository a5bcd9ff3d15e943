"""Every protocol on one data set: the same people, exclusions and metrics for every system."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.recommender import baselines, cine
from benchmarks.recommender.data import Dataset, widened
from benchmarks.recommender.peers import Peer
from benchmarks.recommender.progress import Tell
from benchmarks.recommender.tuning import Tuned, best, draws
from benchmarks.venvs import CannotInstall
from matinee.engine.arrays import Doubles
from matinee.engine.config import EngineConfig
from matinee.engine.evaluation.beyond import beyond_accuracy
from matinee.engine.evaluation.cases import Case, Knowledge, Ranker, Rankings, Split
from matinee.engine.evaluation.metrics import Estimate, Lead, accuracy
from matinee.engine.evaluation.protocols import (
    People,
    few_signals,
    in_time,
    new_instance,
    new_items,
    strong_generalisation,
)
from matinee.engine.evaluation.systems import Engine, acclaimed
from matinee.engine.interactions import Interactions

OURS, WITH_FACTS, EVERY_LINK = "Matinee", "Matinee with facts", "Matinee, no link dropped"
NEW_PEOPLE, IN_TIME, FEW_SIGNALS = "people who are new", "in time", "few signals"
NEW_FILMS, NEW_INSTANCE, BEYOND = "new films", "a new instance", "beyond accuracy"
SIGNALS = (1, 3, 5, 10, 20, 40)
LEADING = ("NDCG@100", "Recall@20")
"""The metrics that systems are compared by."""

Figures = Mapping[str, Mapping[Any, Doubles]]
"""System → metric, or number of signals → one figure a person."""
Fitted = Callable[[Interactions, Sequence[Case]], Ranker]
"""Trains a system that is to answer these cases."""


def measure(
    dataset: Dataset,
    *,
    peers: Sequence[Peer],
    trials: int,
    folds: int,
    tell: Tell,
    known: Mapping[str, Tuned] | None = None,
) -> dict[str, Any]:
    """Everything as JSON has it: protocol → systems → metric → mean, low and high; what could not be, with a reason.

    Peers whose best is `known` from an earlier search on the same people are not tuned again.
    """
    ratings, people = dataset.ratings, People.of(dataset.ratings)
    left_out: dict[str, str] = {}
    tuned = {name: each for name, each in (known or {}).items() if name in {peer.name for peer in peers}}
    untuned = [peer for peer in peers if peer.name not in tuned]
    tuned |= _tuned(dataset, untuned, trials, people, left_out, tell)
    systems = {peer.name: _as_tuned(peer, tuned[peer.name]) for peer in peers if peer.name in tuned} | _ours(dataset)
    record: dict[str, Any] = {
        "ratings": ratings.size,
        "people": ratings.n_users,
        "films": ratings.n_items,
        "left out": left_out,
        "tuned": {name: asdict(each) for name, each in tuned.items()},
    }
    asked = people.folds[:folds]
    record |= _new_people(dataset, systems, asked, tell)
    if FEW_SIGNALS not in record:
        left_out[FEW_SIGNALS] = f"Nobody has {SIGNALS[-1]} ratings to show."
    if ratings.timestamps is None:
        left_out[IN_TIME] = "These ratings have no timestamps."
    else:
        split = in_time(ratings, exclude=people.tuning)
        rankers = ((name, fitted(split.train, split.cases)) for name, fitted in systems.items() if name != EVERY_LINK)
        record[IN_TIME] = _outcome([_answers(split, rankers, IN_TIME, tell)])
    if dataset.facts is None:
        left_out |= dict.fromkeys((NEW_FILMS, NEW_INSTANCE), "Of these films nothing is known but ratings.")
    else:
        record |= _content(dataset, dataset.facts, asked, tell)
    return record


def measured(ranker: Ranker, split: Split) -> Mapping[str, Doubles]:
    """Metric → one figure a person."""
    return accuracy(Rankings.of(ranker, split), split.cases)


def _tuned(
    dataset: Dataset, peers: Sequence[Peer], trials: int, people: People, left_out: dict[str, str], tell: Tell
) -> Iterator[tuple[str, Tuned]]:
    """By NDCG@100 on the tuning people. A peer that can't be had is left out, and why is said."""
    split = strong_generalisation(dataset.ratings, people.tuning)
    for peer in peers:
        tried = draws(peer.space, peer.defaults, trials)
        try:
            yield peer.name, best(tried, _reached(peer, split, tried, tell))
        except (CannotInstall, subprocess.CalledProcessError) as error:
            left_out[peer.name] = str(error)
            tell(f"{peer.name} is left out: {error}")


def _reached(peer: Peer, split: Split, tried: Sequence[Mapping[str, Any]], tell: Tell) -> Iterator[float]:
    for parameters, ranker in zip(tried, peer.rankers(split.train, split.cases, tried), strict=True):
        figure = float(measured(ranker, split)["NDCG@100"].mean())
        tell(f"tuning  {peer.name}  {figure:.4f}  {dict(parameters)}")
        yield figure


def _as_tuned(peer: Peer, tuned: Tuned) -> Fitted:
    return lambda train, cases: next(peer.rankers(train, cases, [tuned.parameters]))


def _ours(dataset: Dataset) -> dict[str, Fitted]:
    ids = dataset.ratings.item_ids
    bare = widened(None, ids)
    engines = {OURS: Engine(bare), EVERY_LINK: Engine(bare, EngineConfig(neighbours=len(ids)))}
    if dataset.facts is not None:
        engines[WITH_FACTS] = Engine(widened(dataset.facts, ids))
    return {name: _trained(engine) for name, engine in engines.items()}


def _trained(engine: Engine) -> Fitted:
    return lambda train, _: engine(train)


def _new_people(
    dataset: Dataset, systems: Mapping[str, Fitted], folds: Sequence[np.ndarray], tell: Tell
) -> dict[str, Any]:
    """Protocols 1 and 3, and what accuracy does not say, from the same fits."""
    figures: list[Figures] = []
    of_few: list[Figures] = []
    beyond: dict[str, list[dict[str, float]]] = {}
    for number, fold in enumerate(folds, 1):
        split = strong_generalisation(dataset.ratings, fold)
        if not split.cases:
            continue
        few = {count: few_signals(split, count) for count in SIGNALS}
        cases = [case for each in (split, *few.values()) for case in each.cases]
        parts: dict[str, Mapping[str, Doubles]] = {}
        few_parts: dict[str, Mapping[int, Doubles]] = {}
        for name, fitted in systems.items():
            ranker = fitted(split.train, cases)
            rankings = Rankings.of(ranker, split)
            parts[name] = accuracy(rankings, split.cases)
            tell(f"{NEW_PEOPLE}, part {number} of {len(folds)}  {name}  {_shown(parts[name])}")
            beyond.setdefault(name, []).append(beyond_accuracy(rankings, split, dataset.facts))
            if name != EVERY_LINK:
                few_parts[name] = {count: measured(ranker, each)["NDCG@100"] for count, each in few.items()}
        figures.append(parts)
        of_few.append(few_parts)
    together = _joined(figures)
    collapsed, whole = (together[name]["NDCG@100"] for name in (OURS, EVERY_LINK))
    return {
        NEW_PEOPLE: _outcome(figures) | {"collapsing": asdict(Lead.of(collapsed, whole))},
        **_few(_joined(of_few)),
        BEYOND: {
            name: {measure: float(np.mean([each[measure] for each in every])) for measure in every[0]}
            for name, every in beyond.items()
        },
    }


def _few(figures: Figures) -> dict[str, Any]:
    """NDCG@100 by number of signals, and what part of 40 signals' five reach; nothing where nobody has 40."""
    if len(figures[OURS][SIGNALS[-1]]) == 0:
        return {}
    systems = {}
    for name, by_count in figures.items():
        lead = Lead.of(by_count[5], by_count[40])
        systems[name] = {
            "NDCG@100": {str(count): asdict(Estimate.of(values)) for count, values in by_count.items()},
            "5 of 40": {"mean": 1 + lead.relative, "low": 1 + lead.low, "high": 1 + lead.high},
        }
    return {FEW_SIGNALS: {"people": len(figures[OURS][5]), "systems": systems}}


def _content(dataset: Dataset, facts: Knowledge, folds: Sequence[np.ndarray], tell: Tell) -> dict[str, Any]:
    """Protocols 4 and 5."""
    known, films = facts.features.item_ids, dataset.films
    fixed = {
        "acclaim": acclaimed(facts),
        "TMDb popularity": baselines.by_field(films, "popularity"),
        "TMDb votes": baselines.by_field(films, "vote_count"),
        "cine-rec-engine's weights": cine.by_likeness(films),
    }
    record = {}
    for title, protocol in ((NEW_FILMS, new_items), (NEW_INSTANCE, new_instance)):
        parts: list[Figures] = []
        for fold in folds:
            split = protocol(dataset.ratings, fold, known)
            rankers = fixed | {OURS: Engine(widened(facts, split.train.item_ids))(split.train)}
            if title == NEW_FILMS:
                rankers["popularity of the release year"] = baselines.by_year(films, split.train)
            parts.append(_answers(split, iter(rankers.items()), title, tell))
        figures = _joined(parts)
        record[title] = _outcome(parts) | {
            "times": {
                name: {"mean": 1 + lead.relative, "low": 1 + lead.low, "high": 1 + lead.high}
                for name in figures
                if name != OURS
                for lead in [Lead.of(figures[OURS]["NDCG@100"], figures[name]["NDCG@100"])]
            }
        }
    return record


def _answers(split: Split, rankers: Iterator[tuple[str, Ranker]], title: str, tell: Tell) -> Figures:
    figures = {}
    for name, ranker in rankers:
        figures[name] = measured(ranker, split)
        tell(f"{title}  {name}  {_shown(figures[name])}")
    return figures


def _outcome(parts: Sequence[Figures]) -> dict[str, Any]:
    """Means with their intervals, and how far each of ours is ahead of the best of the others."""
    figures = _joined(parts)
    ours = [name for name in figures if name in (OURS, WITH_FACTS)]
    others = [name for name in figures if name not in (OURS, WITH_FACTS, EVERY_LINK)]
    leads = {}
    for metric in LEADING:
        over = max(others, key=lambda name: float(figures[name][metric].mean()))
        leads[metric] = {"over": over} | {
            name: asdict(Lead.of(figures[name][metric], figures[over][metric])) for name in ours
        }
    return {
        "people": len(figures[OURS]["NDCG@100"]),
        "systems": {
            name: {metric: asdict(Estimate.of(values)) for metric, values in by_metric.items()}
            for name, by_metric in figures.items()
        },
        "leads": leads,
    }


def _joined(parts: Sequence[Figures]) -> Figures:
    """The people of all folds, one after the other."""
    return {
        name: {key: np.concatenate([part[name][key] for part in parts]) for key in parts[0][name]} for name in parts[0]
    }


def _shown(figures: Mapping[str, Doubles]) -> str:
    return "  ".join(f"{metric} {figures[metric].mean():.4f}" for metric in LEADING)
