"""A sparse matrix from items to items, held so that its rows can be read straight from a mapped file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Floats, Ids, Rows

BLOCK = 512
"""How many rows of a dense matrix are thinned at a time, so that its copies stay small."""


@dataclass(frozen=True)
class Links:
    """CSR: row i holds what item i gives to others. scipy's own class would copy 32-bit columns beside 64-bit ends."""

    ends: Ids
    """(n + 1,) row i is `columns[ends[i]:ends[i + 1]]`."""

    columns: Rows
    """(z,) ascending within a row."""

    weights: Floats
    """(z,)"""

    def __post_init__(self) -> None:
        if self.ends.ndim != 1 or len(self.ends) == 0 or self.columns.shape != self.weights.shape:
            raise ValueError("The links' columns differ in length.")
        if self.ends[0] != 0 or self.ends[-1] != len(self.columns) or np.any(np.diff(self.ends) < 0):
            raise ValueError("The links' row ends are not what the columns hold.")
        if len(self.columns) and self.columns.min() < 0:
            raise ValueError("A link leads to a column below 0.")

    @classmethod
    def from_matrix(cls, matrix: sparse.csr_matrix) -> Links:
        """From scipy's CSR, (n, columns)."""
        matrix.sum_duplicates()
        return cls(
            ends=matrix.indptr.astype(np.int64),
            columns=matrix.indices.astype(np.int32),
            weights=matrix.data.astype(np.float32),
        )

    @property
    def n_rows(self) -> int:
        return len(self.ends) - 1

    def gather(self, rows: NDArray[np.integer]) -> tuple[Ids, Ids, Floats]:
        """All links of `rows` (k,), one after the other: (how many each row has, columns, weights)."""
        counts, (columns, weights) = self.gathered(rows, self.columns, self.weights)
        return counts, columns.astype(np.int64), weights

    def gathered(self, rows: NDArray[np.integer], *values: NDArray[Any]) -> tuple[Ids, list[NDArray[Any]]]:
        """(how many links each of `rows` (k,) has, of each of `values` (z,) what belongs to those)."""
        starts = self.ends[rows]
        counts = self.ends[rows + 1] - starts
        width = int(counts.max(initial=0))
        if np.all(counts == width):  # as nearly always: rows of one length are copied by one call
            return counts, [_windows(each, width)[starts].ravel() for each in values]
        spans = list(zip(starts.tolist(), (starts + counts).tolist(), strict=True))
        return counts, [np.concatenate([each[start:stop] for start, stop in spans]) for each in values]

    def matrix(self, n_columns: int) -> sparse.csr_matrix:
        """As scipy's CSR, (n, n_columns); for work outside of requests."""
        return sparse.csr_matrix((self.weights, self.columns, self.ends), shape=(self.n_rows, n_columns))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        return {f"{name}_ends": self.ends, f"{name}_columns": self.columns, f"{name}_weights": self.weights}


def stacked(blocks: Sequence[sparse.csr_matrix], n_columns: int) -> sparse.csr_matrix:
    """The blocks' rows one below the other; of no blocks, no rows."""
    if not blocks:
        return sparse.csr_matrix(np.zeros((0, n_columns), dtype=np.float32))
    return sparse.csr_matrix(sparse.vstack(blocks, format="csr"))


def _windows(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Row i is values[i : i + width], of the same memory; numpy's sliding_window_view is that with slow checks."""
    shape = (len(values) - width + 1, width)
    return as_strided(values, shape, 2 * values.strides, writeable=False)


def strongest(matrix: NDArray[Any], count: int) -> sparse.csr_matrix:
    """The `count` entries of each row that are furthest from 0, of a dense (rows, columns); ties by lower column."""
    if matrix.shape[1] > count:
        sizes = np.abs(matrix)
        bars = np.partition(sizes, -count, axis=1)[:, -count][:, np.newaxis]
        is_kept = sizes > bars
        is_tied = sizes == bars
        room = count - is_kept.sum(axis=1, keepdims=True)
        is_kept |= is_tied & (np.cumsum(is_tied, axis=1) <= room)
        matrix = np.where(is_kept, matrix, 0)
    result = sparse.csr_matrix(matrix, dtype=np.float32)
    result.eliminate_zeros()
    return result


def thinned(matrix: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """The `count` entries of each row that are furthest from 0, of a sparse matrix; ties by lower column."""
    matrix.sum_duplicates()
    is_kept = np.ones(matrix.nnz, dtype=np.bool_)
    for row in np.flatnonzero(np.diff(matrix.indptr) > count):
        start, stop = matrix.indptr[row], matrix.indptr[row + 1]
        is_kept[start + np.argsort(-np.abs(matrix.data[start:stop]), kind="stable")[count:]] = False
    ends = np.concatenate([[0], np.cumsum(is_kept)])[matrix.indptr]
    parts = (matrix.data[is_kept].astype(np.float32), matrix.indices[is_kept], ends)
    return sparse.csr_matrix(parts, shape=matrix.shape)


def weakest(links: sparse.csr_matrix, count: int) -> Floats:
    """(rows,) how far from 0 the weakest of each row's `count` links is; 0 where a row has fewer."""
    bars = np.zeros(links.shape[0], dtype=np.float32)
    for row in np.flatnonzero(np.diff(links.indptr) >= count):
        bars[row] = np.abs(links.data[links.indptr[row] : links.indptr[row + 1]]).min()
    return bars
