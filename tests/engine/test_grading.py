from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.engine.arrays import Doubles
from matinee.engine.ease import EaseConfig
from matinee.engine.grading import Timeline, graded, opinions, recent_liking, runs
from matinee.engine.interactions import Interactions

CONFIG = EaseConfig(generosity_doubt=np.inf, run_length=4, run_weight=0.8)
WORTH = EaseConfig().values_of_stars


def _by_time(items: list[int], times: list[int] | None, users: list[int] | None = None) -> Interactions:
    return Interactions.from_arrays(users or [1] * len(items), items, [5.0] * len(items), times)


def test_a_rating_is_worth_what_its_stars_say_and_half_stars_lie_between() -> None:
    values = graded(Interactions.from_arrays([1, 1, 2], [7, 8, 7], [1, 3.5, 5]), CONFIG)

    assert values.toarray() == pytest.approx(np.array([[WORTH[0], (WORTH[2] + WORTH[3]) / 2], [WORTH[4], 0]]))


def test_the_closer_together_two_ratings_were_given_the_more_runs_they_share() -> None:
    in_runs = runs(_by_time([10, 11, 12, 13, 14, 15, 16, 17], [1, 2, 3, 4, 5, 6, 7, 8]), CONFIG)

    shared = (in_runs.T @ in_runs).toarray()

    both, half, none = 0.8, 0.4, 0.0
    assert shared[0] == pytest.approx([both, both, half, half, none, none, none, none])
    assert shared[2] == pytest.approx([half, half, both, both, half, half, none, none])


def test_what_a_generous_person_gives_is_worth_as_much_as_what_a_strict_one_gives() -> None:
    generous, strict = [(1, 5.0), (2, 4.0)] * 50, [(1, 4.0), (2, 3.0)] * 50
    items = [2 * place + item for place, (item, _) in enumerate(generous)]
    ratings = Interactions.from_arrays([1] * 100 + [2] * 100, items + items, [stars for _, stars in generous + strict])

    believed = graded(ratings, replace(CONFIG, generosity_doubt=0.0)).toarray()
    doubted = graded(ratings, CONFIG).toarray()

    assert believed[0] == pytest.approx(believed[1])
    assert (doubted[0] > doubted[1]).all()


def test_films_that_one_person_likes_and_dislikes_are_told_apart_by_opinions_alone() -> None:
    ratings = Interactions.from_arrays([1, 1, 1, 1], [10, 11, 12, 13], [5, 5, 1, 1])

    shared = [(each.T @ each).toarray() for each in (graded(ratings, CONFIG), opinions(ratings, CONFIG))]

    together, agreed = shared
    assert (together > 0).all()
    assert (agreed[:2, :2] > 0).all()
    assert (agreed[2:, 2:] > 0).all()
    assert (agreed[:2, 2:] < 0).all()


def test_without_ratings_there_are_no_opinions() -> None:
    assert opinions(Interactions.empty(), CONFIG).shape == (0, 0)


def test_runs_hold_the_order_of_time_and_never_two_people() -> None:
    in_runs = runs(_by_time([10, 11, 12, 13], [4, 1, 2, 3], users=[1, 1, 2, 2]), CONFIG)

    shared = (in_runs.T @ in_runs).toarray() > 0

    assert shared[:2, :2].all()
    assert shared[2:, 2:].all()
    assert not shared[:2, 2:].any()


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 30), st.integers(0, 60)), min_size=1, max_size=60))
def test_all_runs_together_weigh_their_part_of_all_people(rows: list[tuple[int, int, int]]) -> None:
    users, items, times = (list(column) for column in zip(*rows, strict=True))
    ratings = Interactions.from_arrays(users, items, [4.0] * len(rows), times)
    config = EaseConfig(run_length=100, run_weight=0.8)

    in_runs, people = runs(ratings, config), graded(ratings, config)

    assert (in_runs.data**2).sum() == pytest.approx(0.8 * (people.data**2).sum())
    assert np.diff(in_runs.indptr).min() > 0


def test_the_order_within_a_list_that_came_in_at_one_moment_tells_nothing() -> None:
    from_a_list = _by_time([10, 11, 12, 13, 14, 15], [7, 7, 7, 7, 7, 9])

    assert runs(from_a_list, CONFIG).nnz == 2  # film 15 alone, once in each cut


@pytest.mark.parametrize("ratings", [_by_time([10, 11], None), Interactions.empty()])
def test_without_timestamps_or_ratings_there_are_no_runs(ratings: Interactions) -> None:
    assert runs(ratings, CONFIG).shape == (0, ratings.n_items)


def test_a_newer_rating_counts_more_for_the_base_and_without_timestamps_all_count_the_same() -> None:
    def liking(ratings: Interactions) -> Doubles:
        return recent_liking(ratings, CONFIG, 0.25, Timeline.of(ratings))

    assert liking(_by_time([10, 11, 12, 13], [1, 2, 3, 4])) == pytest.approx([1 / 8, 1 / 4, 1 / 2, 1])
    assert liking(_by_time([10, 11], None)) == pytest.approx([1, 1])
    assert liking(_by_time([10, 11], [5, 5])) == pytest.approx([1, 1])
