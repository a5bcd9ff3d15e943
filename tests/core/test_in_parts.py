"""Rows that are put in order part by part are in the order that sorting all at once gives."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matinee.core import in_parts
from matinee.core.array_files import room_in, room_in_memory
from matinee.core.in_parts import Keys, in_order, parts, ranks

NUMBERS = st.lists(st.sampled_from([1.0, 2.0, np.nan, -0.0, 0.0, np.inf]) | st.integers(0, 60).map(float), max_size=300)
ROWS_A_PART = 8


@pytest.fixture(scope="module", autouse=True)
def _small_parts() -> Iterator[None]:
    """So that few rows are parted, and what lies between two edges once more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_parts, "PART", ROWS_A_PART)
        patch.setattr(in_parts, "EDGES", 3)
        patch.setattr(in_parts, "SAMPLED", 12)
        yield


def ordered(values: NDArray[np.float64]) -> list[int]:
    return [*map(int, in_order(len(values), Keys(lambda rows, _depth: values[rows]), room_in_memory))]


@given(values=NUMBERS.map(np.array))
def test_rows_are_in_the_order_of_their_keys_and_nan_comes_last(values: NDArray[np.float64]) -> None:
    assert ordered(values) == np.argsort(values, kind="stable").tolist()


@pytest.mark.parametrize("value", [7.0, np.nan])
def test_rows_of_one_key_stay_as_they_are(value: float) -> None:
    assert ordered(np.full(100, value)) == [*range(100)]


@given(words=st.lists(st.text("ab", max_size=6) | st.just("abbaab"), max_size=200))
def test_what_is_alike_so_far_goes_by_the_next_key(words: list[str]) -> None:
    ended = [f"{word}." for word in words]  # which is before any letter
    keys = Keys(
        lambda rows, depth: np.array([ord(ended[row][depth]) for row in rows.tolist()]), lambda found: found != ord(".")
    )

    order = in_order(len(words), keys, room_in_memory)

    assert order.tolist() == sorted(range(len(words)), key=words.__getitem__)


@given(places=st.integers(0, 50).flatmap(lambda size: st.permutations(range(size))))
def test_a_rank_is_the_place_of_a_row(places: list[int]) -> None:
    order = np.array(places, dtype=np.int32)

    assert ranks(order, room_in_memory).tolist() == [places.index(row) for row in range(len(places))]


def test_parts_are_all_of_it_once() -> None:
    assert [(part.start, part.stop) for part in parts(20)] == [(0, 8), (8, 16), (16, 20)]
    assert [(part.start, part.stop) for part in parts(16, 5)] == [(5, 13), (13, 16)]
    assert [*parts(0)] == []


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_parts, "PART", 2_000)
    few, many = most_bytes(20_000, tmp_path), most_bytes(200_000, tmp_path)

    assert (many - few) / 180_000 < 4  # as arrays in memory each row takes 30


def most_bytes(size: int, folder: Path) -> int:
    """That Python and numpy hold while so many rows are put in order, mapped files not counted."""
    values = np.random.default_rng(size).integers(0, size, size)
    tracemalloc.start()
    try:
        order = in_order(size, Keys(lambda rows, _depth: values[rows]), room_in(folder))
        ranks(order, room_in(folder))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
