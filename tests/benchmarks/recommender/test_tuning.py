from __future__ import annotations

import numpy as np
import pytest
from benchmarks.recommender.search import SPACE, Hyperparameters, changed
from benchmarks.recommender.tuning import Choice, Range, best, draws
from hypothesis import given
from hypothesis import strategies as st

from matinee.engine.config import EngineConfig
from matinee.engine.signals import SignalWeights

OURS = Hyperparameters(EngineConfig(), SignalWeights())


def test_the_best_of_all_trials_is_chosen_and_of_equals_the_first() -> None:
    tuned = best([{"l2": 1}, {"l2": 2}, {"l2": 3}], iter([0.1, 0.4, 0.4]))

    assert tuned.parameters == {"l2": 2}
    assert (tuned.figure, tuned.trials) == (0.4, 3)


def test_the_first_trial_is_the_defaults_and_others_keep_what_is_not_searched() -> None:
    drawn = draws({"l2": Range(1, 9)}, {"l2": 5.0, "epochs": 3}, trials=4)

    assert len(drawn) == 4
    assert drawn[0] == {"l2": 5.0, "epochs": 3}
    assert {trial["epochs"] for trial in drawn} == {3}
    assert drawn == draws({"l2": Range(1, 9)}, {"l2": 5.0, "epochs": 3}, trials=4)


def test_what_has_nothing_to_tune_is_tried_once() -> None:
    assert draws({}, {}, trials=12) == [{}]


@given(st.floats(0, 100), st.floats(0.1, 100), st.integers(0, 1_000))
def test_what_is_drawn_lies_in_its_range(low: float, width: float, seed: int) -> None:
    drawn = Range(low, low + width).draw(np.random.default_rng(seed))

    assert low * 0.999 - 0.001 <= drawn <= (low + width) * 1.001


def test_whole_numbers_stay_whole_and_choices_are_of_what_there_is() -> None:
    random = np.random.default_rng(0)

    assert isinstance(Range(1, 9, is_whole=True).draw(random), int)
    assert Choice(("likes", "stars")).draw(random) in {"likes", "stars"}


@pytest.mark.parametrize("name", SPACE)
def test_every_hyperparameter_that_is_searched_is_there_and_is_put_in_its_place(name: str) -> None:
    value = 0.123

    assert changed(OURS, {name: value}) != OURS


def test_one_star_of_five_can_be_changed_alone() -> None:
    assert changed(OURS, {"signals.of_stars.1": 0.5}).signals.of_stars == (
        OURS.signals.of_stars[0],
        0.5,
        *OURS.signals.of_stars[2:],
    )


@pytest.mark.parametrize("name", ["engine.eas.l2", "signals.of_stars.5", "engine.ease.l2.0"])
def test_a_hyperparameter_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="There is no"):
        changed(OURS, {name: 1.0})
