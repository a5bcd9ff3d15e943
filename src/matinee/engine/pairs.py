"""What items have in common: the people who rated both of two, and the facts of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Doubles

Places = NDArray[np.int64]
Block = Callable[[slice], NDArray[np.floating]]
"""Gives some rows of a matrix that need not stand in memory as a whole, dense."""


class PairSums(Protocol):
    """X'X of n items, where X (rows, n) holds ratings: a row for each person, run of theirs, and person's opinions."""

    def squares(self) -> Doubles:
        """(n,) its diagonal."""

    def between(self, rows: Places, columns: Places, dtype: np.dtype[np.floating]) -> Block:
        """Its (rows, columns)."""


@dataclass(frozen=True)
class RowPairs:
    """From the rows themselves."""

    values: sparse.csr_matrix
    """(rows, n): X."""

    def squares(self) -> Doubles:
        return squares_of(self.values)

    def between(self, rows: Places, columns: Places, dtype: np.dtype[np.floating]) -> Block:
        values = sparse.csr_matrix(self.values, dtype=dtype)
        by_item, others = sparse.csr_matrix(values[:, rows].T), sparse.csr_matrix(values[:, columns])
        return lambda block: (by_item[block] @ others).toarray()


@dataclass(frozen=True)
class Evidence:
    """What the regression reads of k items."""

    pairs: PairSums
    """Of all n, these among them."""

    places: Places
    """(k,) which of the n they are."""

    features: sparse.csr_matrix
    """(k, values) weighted features."""

    ridge: Doubles
    """(k,) D of each."""

    def of(self, places: NDArray[np.integer]) -> Evidence:
        """That of these items alone."""
        return Evidence(self.pairs, self.places[places], sparse.csr_matrix(self.features[places]), self.ridge[places])

    def with_content_times(self, factor: float) -> Evidence:
        """The same where what features say counts so many times."""
        return replace(self, features=np.float32(np.sqrt(factor)) * self.features)

    def beside(self, others: Evidence, dtype: np.dtype[np.floating]) -> Block:
        """(k, others) of X'X + FF'."""
        shared = self.pairs.between(self.places, others.places, dtype)
        mine = sparse.csr_matrix(self.features, dtype=dtype)
        theirs = sparse.csr_matrix(others.features.T, dtype=dtype)
        return lambda block: shared(block) + (mine[block] @ theirs).toarray()

    def diagonal(self) -> Doubles:
        """(k,) of X'X + FF' + D."""
        of_features = squares_of(sparse.csr_matrix(self.features.T))
        diagonal: Doubles = self.pairs.squares()[self.places] + of_features + self.ridge
        return diagonal


def squares_of(values: sparse.csr_matrix) -> Doubles:
    """(n,) the sum of the squared values of each column of (rows, n)."""
    squares: Doubles = np.asarray(values.multiply(values).sum(axis=0), dtype=np.float64).ravel()
    return squares
