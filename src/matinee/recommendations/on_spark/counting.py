"""What each part of the people adds to the sums: the engine's own counting, run by Spark where the ratings are.

This module is what executors import; it knows neither Django nor Spark.
"""

from __future__ import annotations

import io
import operator
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Doubles, Ids
from matinee.engine.ease import EaseConfig
from matinee.engine.grading import Timeline
from matinee.engine.interactions import Interactions
from matinee.engine.pairs import Places
from matinee.engine.statistics import OfInteractions

Batches = Iterable[pa.RecordBatch]
Counter = Callable[[Batches], Iterator[pa.RecordBatch]]

COLUMNS = ("person", "item", "rating", "rated_at")
SUMS_BY_ITEM = "item long, total double"
SUMS_BY_PAIR = "block int, sums binary"
PAIRS_AT_ONCE, PAIRS_TOGETHER = 2**20, 2**25
"""So many pairs travel together, and so many of all parts of the people are added up in one place: 8 bytes each."""


def by_item(count: Callable[[OfInteractions], Doubles], timeline: Timeline | None) -> Counter:
    """Counts one figure for each item that the people of a partition have rated."""

    def counted(batches: Batches) -> Iterator[pa.RecordBatch]:
        part = OfInteractions(people_of(batches, has_times=timeline is not None), timeline)
        yield pa.RecordBatch.from_pydict({"item": part.item_ids, "total": count(part)})

    return counted


def block_height(n_columns: int, *, parts: int) -> int:
    """Of how many items the pairs with `n_columns` others make a block, where people are in so many parts."""
    return max(1, min(PAIRS_AT_ONCE, PAIRS_TOGETHER // parts) // max(1, n_columns))


def by_pair(
    item_ids: Ids, rows: Places, columns: Places, config: EaseConfig, *, height: int, has_times: bool
) -> Counter:
    """Counts the pairs of `rows` and `columns` of `item_ids`, so many rows at a time."""

    def counted(batches: Batches) -> Iterator[pa.RecordBatch]:
        part = OfInteractions(people_of(batches, has_times=has_times), None)
        values = part.pairs(item_ids, config).values
        ours, others = sparse.csr_matrix(values[:, rows].T), sparse.csr_matrix(values[:, columns])
        for block, start in enumerate(range(0, len(rows), height)):
            sums = (ours[start : start + height] @ others).toarray()
            if sums.any():
                number = pa.array([block], pa.int32())
                yield pa.RecordBatch.from_pydict({"block": number, "sums": [packed(sums)]})

    return counted


def added_up_in(folder: Path) -> Callable[[pa.Table], pa.Table]:
    """Adds up what all parts of the people have counted of one block, and writes it to a file of its number."""

    def added(blocks: pa.Table) -> pa.Table:
        number = blocks.column("block")[0].as_py()
        fresh = folder / f".{number}-{uuid.uuid4().hex}"  # Spark may have two of its tasks do the same
        fresh.write_bytes(packed(reduce(operator.iadd, (unpacked(one.as_py()) for one in blocks.column("sums")))))
        fresh.replace(folder / str(number))
        return pa.table({"block": pa.array([number], pa.int32())})

    return added


def people_of(batches: Batches, *, has_times: bool) -> Interactions:
    """The ratings of a partition, which holds each of its people whole."""
    parts = [[batch.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS] for batch in batches]
    if not parts:
        return Interactions.empty()
    people, items, ratings, times = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Interactions.from_arrays(people, items, ratings, times if has_times else None)


def packed(sums: NDArray[np.floating]) -> bytes:
    """A block in single precision, without what is 0 where that is most of it."""
    file, single = io.BytesIO(), sums.astype(np.float32, copy=False)
    if 2 * np.count_nonzero(single) < single.size:
        sparse.save_npz(file, sparse.csr_matrix(single), compressed=False)
    else:
        np.save(file, single)
    return file.getvalue()


def unpacked(sums: bytes) -> NDArray[np.float32]:
    block = np.load(io.BytesIO(sums))
    if isinstance(block, np.ndarray):
        return block
    dense: NDArray[np.float32] = sparse.load_npz(io.BytesIO(sums)).toarray()
    return dense
