"""What items score while nothing is known of a person: by their likes, and where those are few, by what is promised."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.engine.base import BaseScores, base_scores

LIKING = np.array([40.0, 0.0, 20.0, 10.0])
"""The second has the highest prior, and this community does not care for it."""
PRIOR = np.array([0.8, 0.9, 0.5, 0.2])


def _of(rating_counts: list[float], *, liking: np.ndarray = LIKING, n_users: int = 10**6) -> BaseScores:
    return base_scores(
        liking, np.array(rating_counts), PRIOR, has_prior=np.ones(4, dtype=np.bool_), n_users=n_users, doubt=20.0
    )


def test_what_many_have_rated_is_as_good_as_its_likes() -> None:
    scores = _of([10**6] * 4)

    assert scores.earned == pytest.approx([1.0, 0.0, 0.5, 0.25], abs=1e-4)
    assert scores.expected == pytest.approx([0.0] * 4, abs=1e-4)
    assert scores.possible == pytest.approx([0.0] * 4, abs=1e-4)


def test_of_a_prior_is_expected_what_such_films_got_in_the_mean() -> None:
    scores = _of([10.0**-9] * 4)

    assert scores.expected == pytest.approx([0.5, 0.5, 0.5, 0.25], abs=1e-4)  # the mean of 1 and 0 where they fall


def test_what_nobody_has_rated_says_nothing_of_others() -> None:
    scores = _of([10.0**-9, 0.0, 10.0**-9, 0.0])

    assert scores.expected == pytest.approx([1.0, 1.0, 0.5, 0.5], abs=1e-4)


def test_a_prior_may_come_to_as_much_as_its_place_among_the_others_allows() -> None:
    scores = _of([0.0] * 4)

    assert scores.possible == pytest.approx([0.5, 1.0, 0.25, 0.0], abs=1e-4)


def test_with_few_ratings_it_is_half_of_each() -> None:
    scores = _of([20.0] * 4)

    assert scores.earned == pytest.approx([0.5, 0.0, 0.25, 0.125], abs=1e-4)
    assert scores.expected == pytest.approx([0.25, 0.25, 0.25, 0.125], abs=1e-4)


def test_without_people_the_prior_speaks() -> None:
    scores = _of([0.0] * 4, liking=np.zeros(4), n_users=0)

    assert scores.expected == pytest.approx(PRIOR)
    assert scores.possible == pytest.approx(PRIOR)


def test_what_has_no_prior_is_promised_nothing() -> None:
    scores = base_scores(
        LIKING, np.zeros(4), np.zeros(4), has_prior=np.zeros(4, dtype=np.bool_), n_users=10, doubt=20.0
    )

    assert scores.expected.tolist() == scores.possible.tolist() == [0.0] * 4
