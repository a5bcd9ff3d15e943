"""What each part of the people adds to the sums: the engine's own counting, run by Spark where the ratings are.

This module is what executors import; it knows neither Django nor Spark.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
from scipy import sparse

from matinee.engine.arrays import Doubles, Ids
from matinee.engine.ease import EaseConfig
from matinee.engine.grading import Timeline
from matinee.engine.interactions import Interactions
from matinee.engine.statistics import OfInteractions

Batches = Iterable[pa.RecordBatch]
Counter = Callable[[Batches], Iterator[pa.RecordBatch]]

COLUMNS = ("person", "item", "rating", "rated_at")
SUMS_BY_ITEM = "item long, total double"
SUMS_BY_PAIR = "block int, sums binary"
BLOCK = 512
"""The pairs of so many items travel together."""


def by_item(count: Callable[[OfInteractions], Doubles], timeline: Timeline | None) -> Counter:
    """Counts one figure for each item that the people of a partition have rated."""

    def counted(batches: Batches) -> Iterator[pa.RecordBatch]:
        part = OfInteractions(people_of(batches, has_times=timeline is not None), timeline)
        yield pa.RecordBatch.from_pydict({"item": part.item_ids, "total": count(part)})

    return counted


def by_pair(item_ids: Ids, config: EaseConfig, *, has_times: bool) -> Counter:
    """Counts all pairs of `item_ids`, a few rows at a time."""

    def counted(batches: Batches) -> Iterator[pa.RecordBatch]:
        part = OfInteractions(people_of(batches, has_times=has_times), None)
        rows = part.pairs(item_ids, config).values
        by_film = sparse.csr_matrix(rows.T)
        for block, start in enumerate(range(0, len(item_ids), BLOCK)):
            sums = sparse.csr_matrix(by_film[start : start + BLOCK] @ rows)
            if sums.nnz:
                yield pa.RecordBatch.from_pydict({"block": pa.array([block], pa.int32()), "sums": [packed(sums)]})

    return counted


def people_of(batches: Batches, *, has_times: bool) -> Interactions:
    """The ratings of a partition, which holds each of its people whole."""
    parts = [[batch.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS] for batch in batches]
    if not parts:
        return Interactions.empty()
    people, items, ratings, times = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Interactions.from_arrays(people, items, ratings, times if has_times else None)


def added(one: bytes, other: bytes) -> bytes:
    """Two sums of the same block, packed."""
    return packed(sparse.csr_matrix(unpacked(one) + unpacked(other)))


def packed(sums: sparse.csr_matrix) -> bytes:
    file = io.BytesIO()
    sparse.save_npz(file, sums, compressed=False)
    return file.getvalue()


def unpacked(sums: bytes) -> sparse.csr_matrix:
    return sparse.csr_matrix(sparse.load_npz(io.BytesIO(sums)))
