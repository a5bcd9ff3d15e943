"""What the engine must reach at least: on worlds with visible right answers, and on real ratings if they are here."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matinee.engine.evaluation.cases import Knowledge, Ranker, Rankings, Split
from matinee.engine.evaluation.metrics import accuracy
from matinee.engine.evaluation.protocols import (
    People,
    few_signals,
    in_time,
    new_instance,
    new_items,
    rating_prediction,
    strong_generalisation,
)
from matinee.engine.evaluation.rating_accuracy import RatingErrors, RatingSplit
from matinee.engine.evaluation.systems import (
    BiasedBaseline,
    Engine,
    PlainEase,
    acclaimed,
    popularity,
    without_facts,
)
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions

SHARED = Path(os.environ.get("MATINEE_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
CIRCLES, FILMS_EACH, PEOPLE = 6, 30, 240


def _circles() -> tuple[Interactions, Knowledge]:
    """Six circles of 30 films; a person keeps to one, and rates one in five of another circle low."""
    random = np.random.default_rng(5)
    users, films, stars = [], [], []
    for person in range(PEOPLE):
        circle = person % CIRCLES
        loved = circle * FILMS_EACH + random.choice(FILMS_EACH, size=16, replace=False)
        other = ((circle + 1) % CIRCLES) * FILMS_EACH + random.choice(FILMS_EACH, size=4, replace=False)
        users += [person] * 20
        films += [*(loved + 1).tolist(), *(other + 1).tolist()]
        stars += [*random.choice([4.0, 4.5, 5.0], size=16).tolist(), *random.choice([1.0, 2.0], size=4).tolist()]
    ids = np.arange(1, CIRCLES * FILMS_EACH + 1)
    keywords = [[f"circle {(film - 1) // FILMS_EACH}"] for film in ids.tolist()]
    features = ItemFeatures.from_lists(ids, {"keywords": keywords})
    ratings = Interactions.from_arrays(users, films, stars, np.arange(len(users)))
    return ratings, Knowledge(features, np.linspace(0.4, 0.6, len(ids), dtype=np.float32))


def _ndcg(ranker: Ranker, split: Split) -> float:
    return float(accuracy(Rankings.of(ranker, split), split.cases)["NDCG@100"].mean())


RATINGS, KNOWLEDGE = _circles()
HELD_OUT = People.of(RATINGS).tuning


def test_people_who_are_new_get_their_circle() -> None:
    split = strong_generalisation(RATINGS, HELD_OUT)

    ours = _ndcg(Engine(KNOWLEDGE)(split.train), split)

    assert (
        ours > 0.45
    )  # of the 17 films of a circle that are not shown, 3 are asked for, and none is better than another
    assert ours > 1.8 * _ndcg(popularity(split.train), split)


def test_the_future_is_told_from_the_past() -> None:
    split = in_time(RATINGS)

    ours = _ndcg(Engine(KNOWLEDGE)(split.train), split)

    assert ours > 1.8 * _ndcg(popularity(split.train), split)


def test_five_signals_reach_three_quarters_of_what_all_reach() -> None:
    split = strong_generalisation(RATINGS, HELD_OUT)
    ranker = Engine(KNOWLEDGE)(split.train)

    five, all_ = (_ndcg(ranker, few_signals(split, count, least=16)) for count in (5, 16))

    assert five > 0.75 * all_


def test_films_that_nobody_rated_are_found() -> None:
    split = new_items(RATINGS, HELD_OUT, KNOWLEDGE.features.item_ids)

    assert _ndcg(Engine(KNOWLEDGE)(split.train), split) > 1.25 * _ndcg(acclaimed(KNOWLEDGE), split)


def test_an_instance_without_ratings_is_useful() -> None:
    split = new_instance(RATINGS, HELD_OUT, KNOWLEDGE.features.item_ids)

    assert _ndcg(Engine(KNOWLEDGE)(split.train), split) > 1.25 * _ndcg(acclaimed(KNOWLEDGE), split)


def _rating_errors(knowledge: Knowledge, split: RatingSplit) -> tuple[RatingErrors, RatingErrors]:
    """Ours, and those of film and person alone."""
    engine = Engine(knowledge)
    ours = RatingErrors.of(engine.predictor(engine.fitted(split.train)), split.cases)
    return ours, RatingErrors.of(BiasedBaseline()(split.train), split.cases)


def test_ratings_are_predicted_by_circle_from_many_ratings_and_from_none() -> None:
    split = rating_prediction(RATINGS, HELD_OUT)

    for asked in (split, replace(split, train=Interactions.empty())):
        ours, baseline = _rating_errors(KNOWLEDGE, asked)
        lead = ours.lead(baseline)
        assert lead["MAE"].high < -0.2
        assert lead["RMSE"].high < -0.2


def _movielens() -> Interactions:
    path = SHARED / "ml-latest-small.zip"
    if not path.exists():
        pytest.skip(f"{path} is not there: MovieLens latest-small is needed for this floor.")
    with zipfile.ZipFile(path) as archive, archive.open("ml-latest-small/ratings.csv") as file:
        table = np.loadtxt(io.TextIOWrapper(file), delimiter=",", skiprows=1)
    counts = np.bincount(table[:, 1].astype(np.int64))
    table = table[counts[table[:, 1].astype(np.int64)] >= 30]  # so that the fit takes a second
    users, films, times = (table[:, column].astype(np.int64) for column in (0, 1, 3))
    return Interactions.from_arrays(users, films, table[:, 2], times)


def test_on_real_ratings_the_engine_leads_plain_ease_and_popularity() -> None:
    ratings = _movielens()
    split = strong_generalisation(ratings, People.of(ratings).tuning)

    ours = _ndcg(Engine(without_facts(ratings.item_ids))(split.train), split)

    assert ours > 1.03 * _ndcg(PlainEase(l2=150)(split.train), split)
    assert ours > 1.3 * _ndcg(popularity(split.train), split)


def test_on_real_ratings_predictions_are_nearer_than_film_and_person_say_and_calibrated() -> None:
    ratings = _movielens()
    split = rating_prediction(ratings, People.of(ratings).tuning)

    ours, baseline = _rating_errors(without_facts(ratings.item_ids), split)

    lead = ours.lead(baseline)
    assert lead["MAE"].high < -0.03
    assert lead["RMSE"].high < -0.03
    curve = [point for point in ours.accuracy().curve if point.ratings >= 200]
    assert len(curve) >= 4
    assert all(abs(point.predicted - point.given.mean) < 0.1 for point in curve)
