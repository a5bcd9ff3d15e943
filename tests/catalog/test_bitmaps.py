"""Packed sets say exactly what sets of numbers say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.catalog import orders
from matinee.catalog.bitmaps import Mask, RangeBitmaps, all_rows, checkpoints_of, words_of
from matinee.core.array_files import room_in_memory

sizes = st.sampled_from([0, 1, 63, 64, 65, 127, 128, 129, 300])


@settings(deadline=None)
@given(size=sizes, data=st.data())
def test_a_set_gives_its_rows_back(size: int, data: st.DataObject) -> None:
    members = sorted(data.draw(st.sets(st.integers(0, size - 1)))) if size else []

    mask = Mask(words_of(np.array(members, dtype=np.int32), size), size)

    assert mask.rows().tolist() == members
    assert mask.count() == len(members)
    assert mask.contains(np.arange(size, dtype=np.int32)).tolist() == [row in set(members) for row in range(size)]
    assert mask.dense().sum() == len(members)


@settings(deadline=None)
@given(size=sizes)
def test_bits_past_the_last_row_are_never_set(size: int) -> None:
    assert Mask(all_rows(size), size).count() == size


@settings(deadline=None)
@given(
    values=st.lists(st.none() | st.integers(0, 20).map(float), max_size=400),
    low=st.none() | st.integers(-1, 21),
    high=st.none() | st.integers(-1, 21),
)
def test_a_range_holds_exactly_the_known_values_between_its_bounds(
    values: list[float | None], low: int | None, high: int | None
) -> None:
    column = np.array([np.nan if value is None else value for value in values])
    order = orders.ascending(column, room_in_memory)
    known = order[: orders.known_in(column)]
    ranges = RangeBitmaps(column, order, checkpoints_of(known, len(values), room_in_memory))

    rows = Mask(ranges.between(low, high), len(values)).rows().tolist()

    assert rows == [
        row
        for row, value in enumerate(values)
        if value is not None and (low is None or value >= low) and (high is None or value <= high)
    ]


def test_a_range_of_many_rows_is_exact_at_every_bound() -> None:
    column = np.random.default_rng(1).permutation(5_000).astype(np.float64)
    order = orders.ascending(column, room_in_memory)
    ranges = RangeBitmaps(column, order, checkpoints_of(order, 5_000, room_in_memory))

    counts = [Mask(ranges.between(low, None), 5_000).count() for low in range(0, 5_000, 37)]

    assert counts == [5_000 - low for low in range(0, 5_000, 37)]
