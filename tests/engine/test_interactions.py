from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matinee.engine.interactions import Interactions


def test_a_film_rated_twice_keeps_its_later_rating() -> None:
    by_time = Interactions.from_arrays([7, 7], [603, 603], [2.0, 5.0], [200, 100])
    by_place = Interactions.from_arrays([7, 7], [603, 603], [2.0, 5.0])

    assert by_time.ratings.tolist() == [2.0]
    assert by_place.ratings.tolist() == [5.0]


def test_users_of_two_sources_stay_apart_and_their_films_meet() -> None:
    community = Interactions.from_arrays([1, 2], [603, -50], [5.0, 4.0])
    own = Interactions.from_arrays([1], [603], [3.0])

    both = Interactions.together([community, Interactions.empty(), own])

    assert both.n_users == 3
    assert both.item_ids.tolist() == [-50, 603]
    assert sorted(zip(both.item_ids[both.item_rows], both.ratings.tolist(), strict=True)) == [
        (-50, 4),
        (603, 3),
        (603, 5),
    ]


def test_timestamps_are_kept_only_where_every_source_has_them() -> None:
    dated = Interactions.from_arrays([1], [603], [5.0], [100])
    undated = Interactions.from_arrays([1], [603], [5.0])

    assert Interactions.together([dated, dated]).timestamps is not None
    assert Interactions.together([dated, undated]).timestamps is None


def test_nothing_together_with_nothing_is_nothing() -> None:
    assert Interactions.together([]).size == 0
    assert Interactions.empty().n_users == 0


def test_choosing_some_ratings_keeps_the_users_rows_and_drops_films_without_ratings() -> None:
    everything = Interactions.from_arrays([1, 1, 2], [10, 20, 20], [5.0, 4.0, 3.0], [1, 2, 3])

    some = everything.of(np.array([False, True, True]))

    assert some.item_ids.tolist() == [20]
    assert some.user_rows.tolist() == [0, 1]
    assert some.timestamps is not None
    assert some.timestamps.tolist() == [2, 3]


@pytest.mark.parametrize("stars", [0.0, 5.5, float("nan"), -1.0])
def test_a_rating_outside_the_scale_is_refused(stars: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        Interactions.from_arrays([1], [603], [stars])


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        Interactions.from_arrays([1, 2], [603], [5.0])


def test_ids_that_are_not_whole_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        Interactions.from_arrays([1.5], [603], [5.0])


def _arrays() -> dict[str, Any]:
    return {
        "user_rows": np.array([0, 1], np.int32),
        "item_ids": np.array([10, 20], np.int64),
        "item_rows": np.array([0, 1], np.int32),
        "ratings": np.array([5, 4], np.float32),
        "timestamps": np.array([1, 2], np.int64),
    }


@pytest.mark.parametrize(
    ("name", "damage", "word"),
    [
        ("ratings", [5.0], "differ in length"),
        ("timestamps", [1], "differ in length"),
        ("item_ids", [20, 10], "not sorted"),
        ("item_ids", [10, 10], "not sorted"),
        ("item_rows", [0, 2], "not there"),
        ("item_rows", [0, -1], "below 0"),
        ("user_rows", [-1, 0], "below 0"),
    ],
)
def test_damaged_columns_are_refused(name: str, damage: list[float], word: str) -> None:
    arrays = _arrays()
    arrays[name] = np.array(damage, dtype=arrays[name].dtype)

    with pytest.raises(ValueError, match=word):
        Interactions(**arrays)
