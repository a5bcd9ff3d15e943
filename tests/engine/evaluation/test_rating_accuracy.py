from __future__ import annotations

import numpy as np
import pytest

from matinee.engine.arrays import Doubles
from matinee.engine.evaluation.protocols import rating_prediction, strong_generalisation
from matinee.engine.evaluation.rating_accuracy import RatingCase, RatingErrors
from matinee.engine.evaluation.systems import BiasedBaseline, community_mean
from matinee.engine.interactions import Interactions


def _case(given: list[float]) -> RatingCase:
    nothing = np.zeros(0, dtype=np.int64)
    return RatingCase(nothing, nothing.astype(np.float32), np.arange(len(given)), np.array(given, np.float32))


def test_figures_by_hand() -> None:
    cases = [_case([5, 3]), _case([4])]

    accuracy = RatingErrors.of(lambda case: np.full(len(case.asked_ids), 3.5), cases).accuracy()

    assert accuracy.ratings == 3
    assert accuracy.mae.mean == pytest.approx((1.5 + 0.5 + 0.5) / 3)
    assert accuracy.rmse.mean == pytest.approx(np.sqrt((2.25 + 0.25 + 0.25) / 3))
    assert accuracy.calibration_error.mean == pytest.approx(4 - 3.5)
    (point,) = accuracy.curve
    assert (point.low, point.high, point.ratings, point.predicted) == (3.5, 4.0, 3, 3.5)
    assert point.given.mean == pytest.approx(4)


def test_both_ends_of_the_scale_have_a_point_of_the_curve() -> None:
    accuracy = RatingErrors.of(lambda case: np.array([1.0, 5.0]), [_case([1, 4])]).accuracy()

    assert [(point.low, point.high, point.ratings) for point in accuracy.curve] == [(1.0, 1.5, 1), (4.5, 5.0, 1)]
    assert accuracy.calibration_error.mean == pytest.approx(0.5)


def test_the_truth_has_no_error_and_noise_around_it_is_calibrated() -> None:
    random = np.random.default_rng(1)
    truths = [random.choice([1.0, 2.0, 3.0, 4.0, 5.0], size=50) for _ in range(200)]
    cases = [_case(truth.tolist()) for truth in truths]

    def halfway(case: RatingCase) -> Doubles:
        return np.where(random.random(len(case.given)) < 0.5, case.given.astype(np.float64), case.given.mean())

    exact = RatingErrors.of(lambda case: case.given.astype(np.float64), cases).accuracy()
    fair = RatingErrors.of(halfway, cases).accuracy()

    assert exact.mae.mean == exact.rmse.high == exact.calibration_error.high == 0
    assert fair.calibration_error.mean < 0.05 < fair.mae.mean
    assert fair.mae.low < fair.mae.mean < fair.mae.high


def test_a_lead_is_fewer_errors_on_the_same_people() -> None:
    cases = [_case([5.0, 4.0]), _case([1.0])]
    near, far = (
        RatingErrors.of(lambda case, off=off: case.given.astype(np.float64) + off, cases) for off in (0.1, 0.2)
    )

    lead = near.lead(far)

    assert lead["MAE"].relative == pytest.approx(-0.5)
    assert lead["RMSE"].low == pytest.approx(lead["RMSE"].high)


def _dense() -> Interactions:
    users, films = np.divmod(np.arange(200), 10)
    return Interactions.from_arrays(users, 10 * films + 10, 0.5 + (users + films) % 5)


def test_the_same_people_show_the_same_as_when_lists_are_asked_for() -> None:
    held_out = np.array([3, 7, 11])

    split, lists = rating_prediction(_dense(), held_out), strong_generalisation(_dense(), held_out)

    assert not np.isin(split.train.user_rows, held_out).any()
    shown = [case.item_ids.tolist() for case in split.cases]
    assert all(case.item_ids.tolist() in shown for case in lists.cases)
    for case in split.cases:
        assert (len(case.item_ids), len(case.asked_ids)) == (8, 2)
        assert not np.isin(case.asked_ids, case.item_ids).any()
        assert case.given.min() >= 1


def test_the_baselines_are_what_they_say() -> None:
    split = rating_prediction(_dense(), np.array([3]))
    (case,) = split.cases
    asked = np.searchsorted(split.train.item_ids, case.asked_ids)
    stars = np.maximum(split.train.ratings, 1)
    means = [stars[split.train.item_rows == row].mean() for row in asked]

    community = community_mean(split.train)(case)
    film = BiasedBaseline(film_doubt=0, knows_person=False)(split.train)(case)
    person = BiasedBaseline(film_doubt=0, person_doubt=0)(split.train)(case)

    assert community.tolist() == pytest.approx([float(stars.mean())] * 2)
    assert film.tolist() == pytest.approx(means, abs=0.2)
    assert (person - film).tolist() == pytest.approx([float((person - film)[0])] * 2)


def test_without_ratings_the_baselines_know_the_usual_stars() -> None:
    (case,) = rating_prediction(_dense(), np.array([3])).cases

    assert set(community_mean(Interactions.empty())(case)) == {3.4}
    assert BiasedBaseline(knows_person=False)(Interactions.empty())(case).tolist() == pytest.approx([3.4, 3.4])
