"""Measure predicted ratings: python -m benchmarks.recommender.rating_prediction [--trials N] [--ratings FILE.csv] …

Protocol 1's people, asked for every rating that is not shown. Peers are tuned by random search on the tuning people of
each data set; ours keeps its defaults everywhere.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.arguments import at_least
from benchmarks.recommender.data import Dataset, datasets, widened
from benchmarks.recommender.progress import Progress
from matinee.engine.arrays import Doubles, Ids, Rows, rows_of
from matinee.engine.evaluation.cases import Knowledge
from matinee.engine.evaluation.protocols import People, rating_prediction
from matinee.engine.evaluation.rating_accuracy import Predictor, RatingAccuracy, RatingCase, RatingErrors, sums_of
from matinee.engine.evaluation.systems import BiasedBaseline, Engine, community_mean
from matinee.engine.interactions import FEWEST_STARS, MOST_STARS, Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.rating_prediction import RatingConfig, expected_stars
from matinee.engine.statistics import OfInteractions

OURS, BASELINE = "Matinee", "film and person"
SIZES = (10, 30, 100, 300)


@dataclass(frozen=True)
class Deviations:
    """What a biased baseline knows of training, and what is left of a person's ratings after it."""

    item_ids: Ids
    films: Doubles
    """(n + 1,) of an average person; the last is of a film that nobody rated."""
    person_doubt: float = 5.0

    @classmethod
    def of(cls, train: Interactions, film_doubt: float = 3.0) -> Deviations:
        mean = float(np.maximum(train.ratings, FEWEST_STARS).mean())
        config = RatingConfig(usual_stars=mean, film_doubt=film_doubt)
        films = expected_stars(
            OfInteractions.of_all(train), train.item_ids, np.full(train.n_items, mean, dtype=np.float32), config
        )
        return cls(train.item_ids, np.append(films, mean).astype(np.float64))

    def left(self, rows: Rows, ratings: Doubles) -> tuple[float, Doubles]:
        """A person's generosity, and what neither it nor the films explain, (h,)."""
        surprises = ratings - self.films[rows]
        generosity = float(surprises.sum() / (len(surprises) + self.person_doubt))
        return generosity, surprises - generosity

    def matrix(self, train: Interactions) -> sparse.csr_matrix:
        """(people, n) what is left of all ratings."""
        order = np.argsort(train.user_rows, kind="stable")
        ends = np.cumsum(np.bincount(train.user_rows, minlength=train.n_users))
        rows, ratings = train.item_rows[order], np.maximum(train.ratings[order], FEWEST_STARS).astype(np.float64)
        parts = [
            self.left(rows[start:stop], ratings[start:stop])[1]
            for start, stop in zip([0, *ends[:-1]], ends, strict=True)
        ]
        return sparse.csr_matrix((np.concatenate(parts), rows, [0, *ends]), shape=(train.n_users, train.n_items))

    def predictor(self, taste: Callable[[Rows, Doubles, Rows], Doubles]) -> Predictor:
        """`taste` is given the rows (h,) shown, what is left of their ratings (h,), and the rows (a,) asked for."""

        def stars(case: RatingCase) -> Doubles:
            shown = rows_of(self.item_ids, case.item_ids)
            asked = rows_of(self.item_ids, case.asked_ids)
            generosity, left = self.left(shown, case.ratings.astype(np.float64))
            known, wanted = np.flatnonzero(shown >= 0), np.flatnonzero(asked >= 0)
            predicted = self.films[asked] + generosity
            predicted[wanted] += taste(shown[known], left[known], asked[wanted])
            return np.clip(predicted, FEWEST_STARS, MOST_STARS)

        return stars


def item_knn(train: Interactions, *, neighbours: int, shrink: float) -> Predictor:
    """Item-kNN on what a biased baseline leaves (Sarwar 2001; shrunk by common raters, as Koren 2010 does)."""
    deviations = Deviations.of(train)
    left = deviations.matrix(train)
    seen = sparse.csr_matrix((np.ones(left.nnz), left.indices, left.indptr), shape=left.shape)
    lengths = np.sqrt(np.asarray(left.multiply(left).sum(axis=0)).ravel()) + 1e-9
    common = (seen.T @ seen).toarray().astype(np.float32)
    alike = (left.T @ left).toarray().astype(np.float32) / np.outer(lengths, lengths).astype(np.float32)
    alike *= common / np.maximum(common + shrink, 1)
    np.fill_diagonal(alike, 0)

    def taste(shown: Rows, left: Doubles, asked: Rows) -> Doubles:
        near = np.maximum(alike[np.ix_(shown, asked)], 0).astype(np.float64)
        if len(shown) > neighbours:
            near[near < np.partition(near, -neighbours, axis=0)[-neighbours]] = 0
        means: Doubles = left @ near / np.maximum(near.sum(axis=0), 1e-9)
        return means

    return deviations.predictor(taste)


def factors(train: Interactions, *, size: int, l2: float, rounds: int = 10) -> Predictor:
    """Matrix factorisation of what a biased baseline leaves, by alternating ridges (Zhou 2008)."""
    deviations = Deviations.of(train)
    by_person = deviations.matrix(train)
    by_film = sparse.csr_matrix(by_person.T)
    films = np.random.default_rng(0).normal(0, 0.1, (train.n_items, size))

    def solved(given: Doubles, left: Doubles) -> Doubles:
        ridge = l2 * (1 + len(left)) * np.eye(size)
        return np.asarray(np.linalg.solve(given.T @ given + ridge, given.T @ left), dtype=np.float64)

    def other_side(matrix: sparse.csr_matrix, given: Doubles) -> Doubles:
        spans = zip(matrix.indptr, matrix.indptr[1:], strict=False)
        return np.stack([solved(given[matrix.indices[a:b]], matrix.data[a:b]) for a, b in spans])

    for _ in range(rounds):
        films = other_side(by_film, other_side(by_person, films))
    return deviations.predictor(lambda shown, left, asked: films[asked] @ solved(films[shown], left))


PEERS: Mapping[str, tuple[Callable[..., Predictor], Mapping[str, tuple[Any, ...]]]] = {
    "community": (community_mean, {}),
    "film": (BiasedBaseline(knows_person=False), {}),
    BASELINE: (
        lambda train, **choice: BiasedBaseline(**choice)(train),
        {"film_doubt": (1.0, 2.0, 3.0, 5.0, 8.0), "person_doubt": (1.0, 3.0, 5.0, 8.0)},
    ),
    "item-kNN": (item_knn, {"neighbours": (20, 40, 80, 160), "shrink": (0.0, 5.0, 20.0, 50.0)}),
    "factors": (factors, {"size": (10, 20, 40, 80), "l2": (0.03, 0.06, 0.1, 0.15, 0.2)}),
}
"""Name → how it is trained, and what can be tuned about it."""


def tuned(dataset: Dataset, people: People, trials: int) -> dict[str, dict[str, Any]]:
    """Peer → the parameters of the best of `trials` random draws, by RMSE on the tuning people."""
    split = rating_prediction(dataset.ratings, people.tuning)
    random = np.random.default_rng(0)
    chosen: dict[str, dict[str, Any]] = {}
    for name, (train, choices) in PEERS.items():
        draws = [{key: values[random.integers(len(values))] for key, values in choices.items()} for _ in range(trials)]
        draws = [draw for place, draw in enumerate(draws) if draw not in draws[:place]]
        errors = [
            RatingErrors.of(train(split.train, **draw), split.cases).accuracy().rmse.mean
            for draw in (draws if choices else [])
        ]
        chosen[name] = draws[int(np.argmin(errors))] if errors else {}
        print(f"  {name} {chosen[name]}", flush=True)
    return chosen


def measure(dataset: Dataset, trials: int = 12) -> tuple[list[str], dict[str, Any]]:
    """Lines of markdown, and the same figures as plain data for JSON."""
    ratings, people = dataset.ratings, People.of(dataset.ratings)
    chosen = tuned(dataset, people, trials)
    ours = {OURS: Engine(widened(None, ratings.item_ids))}
    if dataset.facts is not None:
        ours[f"{OURS} with facts"] = Engine(widened(dataset.facts, ratings.item_ids))
    parts: dict[str, list[Doubles]] = {name: [] for name in (*PEERS, *ours)}
    for fold in people.folds:
        split = rating_prediction(ratings, fold)
        for name, (train, _) in PEERS.items():
            parts[name].append(sums_of(train(split.train, **chosen[name]), split.cases))
        for name, engine in ours.items():
            parts[name].append(sums_of(engine.predictor(engine.fitted(split.train)), split.cases))
        print(f"  asked {len(parts[OURS])} of {len(people.folds)} folds", flush=True)
    lines, record = _compared(parts, list(ours))
    record["tuned"] = chosen
    further = {"by size of the community": _by_size}
    if dataset.facts is not None:
        further["a new instance"] = _new_instance
    for title, measured in further.items():
        table, record[title] = measured(dataset, people)
        lines += [f"#### predicted ratings, {title}", "", *table, ""]
    return ["### predicted ratings", "", *lines], record


def _compared(parts: Mapping[str, Sequence[Doubles]], ours: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    errors = {name: RatingErrors.together(each) for name, each in parts.items()}
    accuracies = {name: each.accuracy() for name, each in errors.items()}
    lines = ["| system | mean error | RMSE | calibration error |", "|---|---|---|---|"]
    lines += [_row(name, accuracy) for name, accuracy in accuracies.items()] + [""]
    leads = {}
    others = [name for name in parts if name not in ours]
    best = min(others, key=lambda name: accuracies[name].rmse.mean)
    for name in ours:
        for other in dict.fromkeys((BASELINE, best)):
            leads[f"{name} over {other}"] = errors[name].lead(errors[other])
    for pair, lead in leads.items():
        shown = (f"{key} {each.relative:+.1%} ({each.low:+.1%} to {each.high:+.1%})" for key, each in lead.items())
        lines += [f"{pair}: {', '.join(shown)}.", ""]
    for name in ours:
        lines += [f"| {name} predicts | ratings | mean predicted | mean given |", "|---|---|---|---|"]
        for point in accuracies[name].curve:
            given = f"{point.given.mean:.2f} ({point.given.low:.2f} to {point.given.high:.2f})"
            lines.append(f"| {point.low} to {point.high} | {point.ratings:,} | {point.predicted:.2f} | {given} |")
        lines.append("")
    record = {name: asdict(accuracy) for name, accuracy in accuracies.items()}
    return lines, {
        "systems": record,
        "leads": {pair: {key: vars(each) for key, each in lead.items()} for pair, lead in leads.items()},
    }


def _row(name: str, accuracy: RatingAccuracy) -> str:
    estimates = (accuracy.mae, accuracy.rmse, accuracy.calibration_error)
    cells = (f"{each.mean:.4f} ({each.low:.3f} to {each.high:.3f})" for each in estimates)
    return f"| {name} | {' | '.join(cells)} |"


def _by_size(dataset: Dataset, people: People) -> tuple[list[str], dict[str, Any]]:
    """The first fold, by what a few people of the others teach; with the pull that would have been best for it."""
    split = rating_prediction(dataset.ratings, people.folds[0])
    everybody = np.random.default_rng(0).permutation(np.unique(split.train.user_rows))
    lines = ["| people | RMSE, film and person | RMSE, ours | calibration error | best pull |", "|---|---|---|---|---|"]
    record: dict[str, Any] = {}
    for size in [*(size for size in SIZES if size < len(everybody)), len(everybody)]:
        train = split.train.of(np.isin(split.train.user_rows, everybody[:size]))
        train = replace(train, user_rows=np.unique(train.user_rows, return_inverse=True)[1].astype(np.int32))
        engine = Engine(widened(None, dataset.ratings.item_ids))
        model = engine.fitted(train)
        accuracy = RatingErrors.of(engine.predictor(model), split.cases).accuracy()
        baseline = RatingErrors.of(BiasedBaseline()(train), split.cases).accuracy()
        pull = _best_pull(engine, model, split.cases)
        figures = (baseline.rmse.mean, accuracy.rmse.mean, accuracy.calibration_error.mean)
        lines.append(f"| {size} | {' | '.join(f'{each:.4f}' for each in figures)} | {pull:.2f} |")
        record[str(size)] = {"baseline": asdict(baseline), "ours": asdict(accuracy), "best pull": pull}
    return lines, record


def _best_pull(engine: Engine, model: ItemModel, cases: Sequence[RatingCase]) -> float:
    """By least squares over what is asked for: how many times what taste adds at a pull of 1 should be added."""
    config = engine.config.ratings
    without, with_one = (
        replace(engine, config=replace(engine.config, ratings=replace(config, taste_pull=pull))).predictor(model)
        for pull in (0.0, 1.0)
    )
    plain = np.concatenate([without(case) for case in cases])
    taste = np.concatenate([with_one(case) for case in cases]) - plain
    given = np.concatenate([case.given for case in cases])
    return float(taste @ (given - plain) / (taste @ taste))


def _new_instance(dataset: Dataset, people: People) -> tuple[list[str], dict[str, Any]]:
    """No ratings but the person's own, of films whose facts are known."""
    known: Knowledge | None = dataset.facts
    assert known is not None
    is_known = np.isin(dataset.ratings.item_ids, known.features.item_ids)[dataset.ratings.item_rows]
    cases = rating_prediction(dataset.ratings.of(is_known), np.concatenate(people.folds)).cases
    engine = Engine(known)
    systems = {
        "person": BiasedBaseline()(Interactions.empty()),
        OURS: engine.predictor(engine.fitted(Interactions.empty())),
    }
    errors = {name: RatingErrors.of(predictor, cases).accuracy() for name, predictor in systems.items()}
    lines = ["| system | mean error | RMSE | calibration error |", "|---|---|---|---|"]
    return lines + [_row(name, each) for name, each in errors.items()], {k: asdict(v) for k, v in errors.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--trials", type=at_least(1), default=12)
    arguments.add_argument("--ratings", type=Path, action="append", default=[])
    given = arguments.parse_args()
    for dataset in datasets(given.ratings, Progress()):
        lines, record = measure(dataset, given.trials)
        print(f"## {dataset.name}", "", *lines, sep="\n", flush=True)
        if given.out is not None:
            given.out.mkdir(parents=True, exist_ok=True)
            path = given.out / f"rating-prediction-{dataset.name.replace(' ', '-').lower()}.json"
            path.write_text(json.dumps(record, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
