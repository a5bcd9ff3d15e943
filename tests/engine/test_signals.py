from __future__ import annotations

import numpy as np
import pytest

from matinee.engine.signals import History, SignalWeights


def _signals(history: History) -> dict[int, tuple[float, float]]:
    columns = (history.item_ids.tolist(), history.pulls.tolist(), history.seen.tolist())
    return {item: (pull, seen) for item, pull, seen in zip(*columns, strict=True)}


def test_high_ratings_pull_low_ones_push_and_three_only_says_seen() -> None:
    history = History.of_actions(ratings=[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)])

    assert history.pulls[3] > 0
    assert history.pulls[4] > 0
    assert history.pulls[0] < history.pulls[1] < 0
    assert history.pulls[2] == 0
    assert history.seen[2] > 0
    assert history.seen[4] == 0


def test_half_stars_count_as_the_whole_star_below() -> None:
    weights = SignalWeights()

    assert weights.of_rating(3.5) == weights.of_rating(3)
    assert weights.of_rating(4.5) == weights.of_rating(4)
    assert weights.of_rating(0.5) == weights.of_rating(1)


def test_favorites_pull_more_than_the_watchlist_and_dismissals_push() -> None:
    history = History.of_actions(favorites=[1], watchlist=[2], dismissals=[3])

    assert history.pulls[0] > history.pulls[1] > 0 > history.pulls[2]


def test_of_several_actions_the_most_deliberate_speaks() -> None:
    weights = SignalWeights()

    history = History.of_actions(
        ratings=[(1, 1), (2, 5), (3, 2)], favorites=[2, 3], watchlist=[1, 4], dismissals=[1, 4], weights=weights
    )

    assert _signals(history) == {
        1: weights.of_rating(1),
        2: (1.0, 0.0),
        3: (weights.pull_of_favorite, 0.0),
        4: (pytest.approx(weights.pull_of_dismissal), 0.0),
    }


def test_seeds_are_liked_once_each() -> None:
    history = History.liking([603, 11, 603])

    assert history.item_ids.tolist() == [11, 603]
    assert history.pulls.tolist() == [1, 1]


def test_a_history_without_actions_is_empty() -> None:
    assert History.of_actions().size == 0


def test_a_history_with_uneven_columns_or_no_numbers_is_refused() -> None:
    ids = np.array([1, 2], np.int64)

    with pytest.raises(ValueError, match="differ in length"):
        History(ids, np.ones(1, np.float32), np.ones(2, np.float32))
    with pytest.raises(ValueError, match="not a number"):
        History(ids, np.array([1, np.nan], np.float32), np.ones(2, np.float32))
