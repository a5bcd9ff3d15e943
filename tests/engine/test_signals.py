from __future__ import annotations

import numpy as np
import pytest

from matinee.engine.signals import History, SignalWeights


def test_high_ratings_pull_low_ones_push_and_three_says_little_more_than_seen() -> None:
    history = History.of_actions(ratings=[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)])

    one, two, three, four, five = history.signals
    assert one < two < 0 <= three < four / 2
    assert four <= five


def test_half_stars_lie_between_their_neighbours() -> None:
    weights = SignalWeights()

    half, one, three, three_and_a_half, four = weights.of_ratings([0.5, 1, 3, 3.5, 4])
    assert three < three_and_a_half < four
    assert half == one


def test_favorites_pull_more_than_the_watchlist_and_dismissals_push() -> None:
    history = History.of_actions(favorites=[1], watchlist=[2], dismissals=[3])

    assert history.signals[0] > history.signals[1] > 0 > history.signals[2]


def test_of_several_actions_the_most_deliberate_speaks() -> None:
    weights = SignalWeights()

    history = History.of_actions(ratings=[(1, 1), (2, 2)], favorites=[2], watchlist=[1, 3, 4], dismissals=[1, 3])

    assert history.item_ids.tolist() == [1, 2, 3, 4]
    assert history.signals.tolist() == pytest.approx(
        [weights.of_stars[0], weights.of_favorite, weights.of_dismissal, weights.of_watchlist]
    )


def test_of_several_ratings_of_one_film_the_last_speaks_in_whatever_order_films_come() -> None:
    history = History.of_actions(ratings=[(7, 1), (2, 5), (7, 4), (5, 3), (2, 4)])

    four, three = SignalWeights().of_ratings([4, 3]).astype(np.float32).tolist()
    assert dict(zip(history.item_ids.tolist(), history.signals.tolist(), strict=True)) == {2: four, 5: three, 7: four}
    assert history.item_ids.tolist() == [2, 5, 7]


def test_seeds_are_liked_once_each() -> None:
    history = History.liking([603, 11, 603])

    assert history.item_ids.tolist() == [11, 603]
    assert history.signals.tolist() == [1, 1]


def test_a_history_without_actions_is_empty() -> None:
    assert History.of_actions().size == 0


def test_a_history_with_uneven_columns_or_no_numbers_is_refused() -> None:
    ids = np.array([1, 2], np.int64)

    with pytest.raises(ValueError, match="differ in length"):
        History(ids, np.ones(1, np.float32))
    with pytest.raises(ValueError, match="not a number"):
        History(ids, np.array([1, np.nan], np.float32))
