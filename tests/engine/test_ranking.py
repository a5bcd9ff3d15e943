from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.engine.popularity import acclaim
from matinee.engine.ranking import diversified, rank, rank_few_of_each


@given(scores=st.lists(st.sampled_from((-np.inf, 0.0, 1.0, 2.0, 3.0)), max_size=200), k=st.integers(0, 12))
def test_ranking_is_by_score_then_by_row_and_what_is_left_out_never_comes(scores: list[float], k: int) -> None:
    rows = rank(np.array(scores, dtype=np.float64), k)

    left = [row for row, score in enumerate(scores) if score > -np.inf]
    assert rows.tolist() == sorted(left, key=lambda row: (-scores[row], row))[:k]


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1_000, 20_000), share=st.sampled_from((0.001, 0.1, 1.0)))
def test_the_best_of_many_are_the_same_as_by_sorting_all(seed: int, size: int, share: float) -> None:
    random = np.random.default_rng(seed)
    scores = np.where(random.random(size) < share, random.normal(size=size), -np.inf)

    rows = rank(scores, 500)

    assert rows.tolist() == np.argsort(-scores, kind="stable")[: min(500, np.isfinite(scores).sum())].tolist()


def few_of_each_by_hand(scores: list[float], k: int, groups: list[int], most: int) -> tuple[list[int], int]:
    kept: list[int] = []
    held_back: list[int] = []
    seen = dict.fromkeys(groups, 0)
    for row in sorted(range(len(scores)), key=lambda row: (-scores[row], row)):
        if scores[row] > -np.inf:
            seen[groups[row]] += 1
            (held_back if groups[row] and seen[groups[row]] > most else kept).append(row)
    return (kept + held_back)[:k], min(len(kept), k)


@given(
    films=st.lists(st.tuples(st.sampled_from((-np.inf, 0.0, 1.0, 2.0, 3.0)), st.integers(0, 4)), max_size=120),
    k=st.integers(0, 40),
    most=st.integers(1, 4),
)
def test_few_of_each_group_come_before_the_rest_of_them(films: list[tuple[float, int]], k: int, most: int) -> None:
    scores, groups = [score for score, _ in films], [group for _, group in films]

    rows, n_free = rank_few_of_each(np.array(scores, dtype=np.float64), k, np.array(groups, dtype=np.int64), most)

    assert (rows.tolist(), n_free) == few_of_each_by_hand(scores, k, groups, most)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
def test_few_of_each_group_are_the_same_of_many(share: float) -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=20_000)
    groups = np.where(random.random(20_000) < share, random.integers(1, 50, size=20_000), 0)

    rows, n_free = rank_few_of_each(scores, 500, groups, 3)

    assert (rows.tolist(), n_free) == few_of_each_by_hand(scores.tolist(), 500, groups.tolist(), 3)


def test_no_diversity_keeps_the_order_and_full_diversity_avoids_likeness() -> None:
    scores = np.array([0.9, 0.8, 0.7])
    similarity = np.array([[1, 0.9, 0.1], [0.9, 1, 0.1], [0.1, 0.1, 1]])

    assert diversified(scores, similarity, 0.0, 3).tolist() == [0, 1, 2]
    assert diversified(scores, similarity, 1.0, 3).tolist() == [0, 2, 1]
    assert diversified(scores, similarity, 0.5, 2).tolist() == [0, 2]


def test_equal_scores_and_no_candidates_can_be_diversified() -> None:
    assert diversified(np.ones(2), np.eye(2), 0.5, 5).tolist() == [0, 1]
    assert diversified(np.zeros(0), np.zeros((0, 0)), 0.5, 5).tolist() == []


def test_acclaim_believes_many_votes_more_than_few() -> None:
    loved_by_many, loved_by_three, disliked_by_many, unknown = acclaim(
        [20_000, 3, 20_000, float("nan")], [8.5, 10.0, 4.0, float("nan")]
    )

    assert loved_by_many > disliked_by_many > 0
    assert loved_by_many > loved_by_three > unknown == 0


def test_votes_without_their_averages_are_refused() -> None:
    with pytest.raises(ValueError, match="more vote counts"):
        acclaim([1, 2], [5])
