from __future__ import annotations

import numpy as np
import pytest

from matinee.engine.evaluation.protocols import (
    People,
    few_signals,
    in_time,
    new_instance,
    new_items,
    strong_generalisation,
)
from matinee.engine.interactions import Interactions


def _dense() -> Interactions:
    """20 people rated the same 10 films; film 10k at time k, later people later."""
    users, films = np.divmod(np.arange(200), 10)
    return Interactions.from_arrays(users, 10 * films + 10, 3.0 + films % 3, 100 * users + films)


def test_everybody_is_either_tuned_on_or_reported_on_once() -> None:
    people = People.of(_dense(), tuning_share=0.2)

    everybody = np.concatenate([people.tuning, *people.folds])

    assert len(people.tuning) == 4
    assert sorted(everybody.tolist()) == list(range(20))


def test_training_sees_nothing_of_the_people_who_are_asked_for() -> None:
    split = strong_generalisation(_dense(), np.array([3, 7]))

    assert not np.isin(split.train.user_rows, [3, 7]).any()
    assert len(split.cases) == 2
    for case in split.cases:
        assert len(case.item_ids) == 8
        assert not np.isin(case.relevant, case.item_ids).any()
        assert (case.ratings < 4).any()


def test_the_same_seed_asks_the_same_and_another_asks_otherwise() -> None:
    first, again, other = (strong_generalisation(_dense(), np.arange(5), seed=seed) for seed in (1, 1, 2))

    def shown(split: object) -> list[list[int]]:
        return [case.item_ids.tolist() for case in split.cases]  # type: ignore[attr-defined] # a Split

    assert shown(first) == shown(again) != shown(other)


def test_in_time_trains_on_the_past_and_asks_of_the_future() -> None:
    split = in_time(_dense(), share_before=0.5, exclude=np.array([19]))

    assert split.train.timestamps is not None
    assert split.train.timestamps.max() < 1_000
    assert len(split.cases) == 9  # persons 10 to 18 came later; their first five ratings are shown
    assert all(case.item_ids.tolist() == [10, 20, 30, 40, 50] for case in split.cases)


def test_in_time_shows_what_was_rated_before_the_date() -> None:
    ratings = Interactions.from_arrays([1, 1, 1, 2], [10, 20, 30, 10], [5, 2, 5, 5], [1, 2, 100, 99])

    split = in_time(ratings, share_before=0.6)

    assert [case.item_ids.tolist() for case in split.cases] == [[10, 20]]
    assert split.cases[0].relevant.tolist() == [30]


def test_in_time_needs_timestamps() -> None:
    with pytest.raises(ValueError, match="no timestamps"):
        in_time(Interactions.from_arrays([1], [10], [5]))


def test_few_signals_ask_the_same_people_and_rank_the_same_films() -> None:
    split = strong_generalisation(_dense(), np.arange(5))

    few, many = few_signals(split, 1, least=8), few_signals(split, 8, least=8)

    assert len(few.cases) == len(many.cases) == len(split.cases)
    for one, all_, whole in zip(few.cases, many.cases, split.cases, strict=True):
        assert len(one.item_ids) == 1
        assert sorted([*one.item_ids, *one.left_out]) == whole.item_ids.tolist() == all_.item_ids.tolist()
        assert one.relevant.tolist() == whole.relevant.tolist()
    assert len(few_signals(split, 1, least=9).cases) == 0


def test_new_items_are_never_seen_in_training_and_the_only_ones_ranked() -> None:
    known = np.array([10, 20, 30, 40, 50, 999])

    split = new_items(_dense(), np.arange(5), known, share=0.4)

    assert len(split.candidates) == 2
    assert not np.isin(split.train.item_ids, split.candidates).any()
    for case in split.cases:
        assert not np.isin(case.item_ids, split.candidates).any()
        assert np.isin(case.relevant, split.candidates).all()


def test_a_new_instance_has_no_ratings_and_ranks_what_has_content() -> None:
    known = np.array([10, 20, 30, 40, 50, 999])

    split = new_instance(_dense(), np.arange(5), known)

    assert split.train.size == 0
    assert split.candidates.tolist() == known.tolist()
    assert all(np.isin(case.item_ids, known).all() for case in split.cases)
