"""How well the engine does on the ratings at hand: the five protocols, beside popularity, with intervals."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from matinee.core.replica import read_where_it_may_lag
from matinee.engine.arrays import Doubles, Ids
from matinee.engine.evaluation.beyond import beyond_accuracy
from matinee.engine.evaluation.cases import Case, Knowledge, Ranker, Rankings, Split
from matinee.engine.evaluation.metrics import METRICS, Estimate, Lead, accuracy
from matinee.engine.evaluation.protocols import (
    People,
    few_signals,
    in_time,
    new_instance,
    new_items,
    rating_prediction,
    strong_generalisation,
)
from matinee.engine.evaluation.rating_accuracy import (
    Predictor,
    RatingAccuracy,
    RatingCase,
    RatingErrors,
    sums_of,
)
from matinee.engine.evaluation.systems import (
    BiasedBaseline,
    Engine,
    acclaimed,
    community_mean,
    popularity,
    without_facts,
)
from matinee.engine.interactions import Interactions
from matinee.recommendations.ratings_file import read_ratings
from matinee.recommendations.signals import film_features
from matinee.recommendations.training import read_sources

OURS, POPULARITY, ACCLAIM = "Matinee", "popularity", "acclaim"
SIGNALS = (1, 3, 5, 10, 20, 40)
MANY_PEOPLE = 10_000
"""With more people a quarter of them is asked about and not all, for one fit in place of four."""

NEW_PEOPLE, IN_TIME, FEW_SIGNALS = "1. people who are new", "2. in time", "3. few signals"
NEW_FILMS, NEW_INSTANCE, BEYOND = "4. films that are new", "5. a new instance", "beyond accuracy"
PREDICTED_RATINGS = "predicted ratings"
BASELINES: dict[str, Callable[[Interactions], Predictor]] = {
    "film and person": BiasedBaseline(),
    "film": BiasedBaseline(knows_person=False),
    "community": community_mean,
}
"""By what each takes the mean of."""

Figures = dict[str, Mapping[str, Doubles]]
"""System → metric → (people,) one figure each."""
OnStep = Callable[[str], None]
"""Is told each step as it begins."""


@dataclass(frozen=True)
class Dataset:
    """Ratings, what is known of films, and which of them can be recommended."""

    name: str
    ratings: Interactions
    knowledge: Knowledge
    has_facts: bool
    """Whether anything is known of the films but that they are there."""

    @property
    def candidates(self) -> Ids:
        return self.knowledge.features.item_ids


@dataclass(frozen=True)
class Outcome:
    """What one protocol gave."""

    people: int
    """How many were asked about."""
    systems: Mapping[str, Mapping[str, Estimate]]
    """System → metric → the mean and its interval."""
    lead: Mapping[str, Lead]
    """Metric → how far ours is ahead of the other."""


@dataclass(frozen=True)
class RatingOutcome:
    """How near predicted ratings came to given ones, of the people of protocol 1."""

    people: int
    systems: Mapping[str, RatingAccuracy]
    lead: Mapping[str, Lead]
    """Measure → ours relative to the best baseline: below 0 is fewer errors."""


@dataclass
class Evaluation:
    """Everything that was measured; what could not be says why."""

    data: Mapping[str, Any]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    few_signals: dict[int, Estimate] = field(default_factory=dict)
    """Number of signals → NDCG@100, of the same people each time."""
    beyond_accuracy: dict[str, float] = field(default_factory=dict)
    predicted_ratings: RatingOutcome | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For `json.dumps`; a figure that there is none of is null."""
        plain: dict[str, Any] = _without_nan(asdict(self))
        return plain


def own_dataset(*, now: dt.datetime) -> Dataset:
    """What this instance would train on at `now`: its own people's ratings, community ratings, and its films."""
    sources, films = read_where_it_may_lag(lambda: (read_sources(now=now), film_features()))
    ratings = Interactions.together([source.interactions for source in sources])
    return Dataset("this instance", ratings, Knowledge(*films), has_facts=True)


def file_dataset(path: Path) -> Dataset:
    """The ratings of a file, of whose films nothing else is known. Raises BadRatingsFile and OSError."""
    ratings = read_ratings(path)
    return Dataset(path.name, ratings, without_facts(ratings.item_ids), has_facts=False)


def steps_of(dataset: Dataset) -> int:
    """How often `evaluate` tells of a step at most."""
    folds = len(_folds(dataset))
    return folds + 1 + (folds + 1 if dataset.has_facts else 0)


def evaluate(dataset: Dataset, *, on_step: OnStep = lambda _: None) -> Evaluation:
    """Run every protocol that the data allow. The same data give the same figures."""
    ratings = dataset.ratings
    result = Evaluation(
        data={
            "name": dataset.name,
            "ratings": ratings.size,
            "people": ratings.n_users,
            "films": ratings.n_items,
            "films_that_can_be_recommended": len(dataset.candidates),
        }
    )
    _new_people(dataset, result, on_step)
    _in_time(dataset, result, on_step)
    if dataset.has_facts:
        _new_films(dataset, result, on_step)
        _new_instance(dataset, result, on_step)
    else:
        result.left_out.update(dict.fromkeys((NEW_FILMS, NEW_INSTANCE), "Of these films nothing is known but ratings."))
    return result


def _new_people(dataset: Dataset, result: Evaluation, on_step: OnStep) -> None:
    """Protocols 1 and 3, what accuracy does not say, and predicted ratings, from the same fits."""
    parts: list[Figures] = []
    errors: dict[str, list[Doubles]] = {OURS: [], **{name: [] for name in BASELINES}}
    signals: dict[int, list[Doubles]] = {number: [] for number in SIGNALS}
    for number, fold in enumerate(_folds(dataset), 1):
        on_step(f"People who are new, part {number}")
        split = _within(strong_generalisation(dataset.ratings, fold), dataset.candidates)
        if not split.cases:
            continue
        engine = Engine(dataset.knowledge)
        model = engine.fitted(split.train)
        ours = engine.ranker(model)
        parts.append({OURS: _measured(ours, split), POPULARITY: _measured(popularity(split.train), split)})
        for count in SIGNALS:
            signals[count].append(_measured(ours, few_signals(split, count))["NDCG@100"])
        if not result.beyond_accuracy:
            facts = dataset.knowledge if dataset.has_facts else None
            result.beyond_accuracy.update(beyond_accuracy(Rankings.of(ours, split), split, facts))
        cases = _rating_cases(dataset, fold)
        predictors = {OURS: engine.predictor(model), **{name: fit(split.train) for name, fit in BASELINES.items()}}
        for name, predictor in predictors.items():
            errors[name].append(sums_of(predictor, cases))
    _record(result, NEW_PEOPLE, parts)
    _record_ratings(result, errors)
    asked = {count: np.concatenate([*figures, np.zeros(0)]) for count, figures in signals.items()}
    if len(asked[SIGNALS[0]]):
        result.few_signals.update({count: Estimate.of(figures) for count, figures in asked.items()})
    else:
        result.left_out[FEW_SIGNALS] = "Nobody has 40 ratings to choose the signals from."
    if not result.beyond_accuracy:
        result.left_out[BEYOND] = "There is no list to look at."


def _rating_cases(dataset: Dataset, fold: Ids) -> tuple[RatingCase, ...]:
    """Only films that can be recommended are asked for."""
    cases = []
    for case in rating_prediction(dataset.ratings, fold).cases:
        is_asked = np.isin(case.asked_ids, dataset.candidates)
        if is_asked.any():
            cases.append(replace(case, asked_ids=case.asked_ids[is_asked], given=case.given[is_asked]))
    return tuple(cases)


def _record_ratings(result: Evaluation, parts: Mapping[str, Sequence[Doubles]]) -> None:
    people = sum(map(len, parts[OURS]))
    if not people:
        result.left_out[PREDICTED_RATINGS] = "There is nobody to ask."
        return
    errors = {name: RatingErrors.together(each) for name, each in parts.items()}
    accuracies = {name: each.accuracy() for name, each in errors.items()}
    best = min(BASELINES, key=lambda name: accuracies[name].mae.mean)
    result.predicted_ratings = RatingOutcome(people, accuracies, errors[OURS].lead(errors[best]))


def _in_time(dataset: Dataset, result: Evaluation, on_step: OnStep) -> None:
    if dataset.ratings.timestamps is None:
        result.left_out[IN_TIME] = "Not every rating has a timestamp."
        return
    if dataset.ratings.size == 0 or np.ptp(dataset.ratings.timestamps) == 0:
        result.left_out[IN_TIME] = "No rating was given after another."
        return
    on_step("In time")
    split = _within(in_time(dataset.ratings), dataset.candidates)
    parts: list[Figures] = []
    if split.cases:
        systems = {OURS: Engine(dataset.knowledge)(split.train), POPULARITY: popularity(split.train)}
        parts = [{name: _measured(ranker, split) for name, ranker in systems.items()}]
    _record(result, IN_TIME, parts)


def _new_films(dataset: Dataset, result: Evaluation, on_step: OnStep) -> None:
    """Protocol 4: what is known of films is all there is to go by."""
    parts: list[Figures] = []
    for number, fold in enumerate(_folds(dataset), 1):
        on_step(f"Films that are new, part {number}")
        parts += _beside_acclaim(new_items(dataset.ratings, fold, dataset.candidates), dataset)
    _record(result, NEW_FILMS, parts)


def _new_instance(dataset: Dataset, result: Evaluation, on_step: OnStep) -> None:
    """Protocol 5: nobody has rated anything, so that one fit answers for everybody."""
    on_step("A new instance")
    everybody = np.concatenate([np.zeros(0, dtype=np.int64), *_folds(dataset)])
    split = new_instance(dataset.ratings, everybody, dataset.candidates)
    _record(result, NEW_INSTANCE, _beside_acclaim(split, dataset))


def _beside_acclaim(split: Split, dataset: Dataset) -> list[Figures]:
    if not split.cases:
        return []
    systems = {OURS: Engine(dataset.knowledge)(split.train), ACCLAIM: acclaimed(dataset.knowledge)}
    return [{name: _measured(ranker, split) for name, ranker in systems.items()}]


def _folds(dataset: Dataset) -> Sequence[Ids]:
    people = People.of(dataset.ratings, tuning_share=0.0)
    folds = people.folds if dataset.ratings.n_users <= MANY_PEOPLE else people.folds[:1]
    return [fold for fold in folds if len(fold)]


def _measured(ranker: Ranker, split: Split) -> Mapping[str, Doubles]:
    return accuracy(Rankings.of(ranker, split), split.cases)


def _within(split: Split, candidates: Ids) -> Split:
    """Only films that can be recommended are asked for; the rest of what a person rated is still shown."""
    if np.array_equal(split.candidates, candidates):
        return split
    return replace(split, cases=tuple(_answerable(split.cases, candidates)), candidates=candidates)


def _answerable(cases: Sequence[Case], candidates: Ids) -> Iterator[Case]:
    for case in cases:
        relevant = np.intersect1d(case.relevant, candidates)
        if len(relevant):
            yield replace(case, relevant=relevant)


def _record(result: Evaluation, title: str, parts: Sequence[Figures]) -> None:
    if not parts:
        result.left_out[title] = "There is nobody to ask: it takes people with two ratings or more, one of them 4 or 5."
        return
    figures = {
        system: {metric: np.concatenate([part[system][metric] for part in parts]) for metric in METRICS}
        for system in parts[0]
    }
    ours, other = figures.values()
    result.outcomes[title] = Outcome(
        people=len(ours[METRICS[0]]),
        systems={
            system: {metric: Estimate.of(values) for metric, values in each.items()} for system, each in figures.items()
        },
        lead={metric: Lead.of(ours[metric], other[metric]) for metric in METRICS},
    )


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
