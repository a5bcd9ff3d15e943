"""The items past the head of the regression: each is fitted to the head alone, as if it were the only one more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Doubles, Flags, Floats
from matinee.engine.ease import Ease, squares_of
from matinee.engine.links import BLOCK, stacked, strongest


@dataclass(frozen=True)
class Evidence:
    """What the regression reads of k items."""

    values: sparse.csr_matrix
    """(rows, k) graded ratings, by people and by runs."""

    features: sparse.csr_matrix
    """(k, values) weighted features."""

    ridge: Doubles
    """(k,) D of each."""

    def of(self, places: NDArray[np.integer]) -> Evidence:
        """That of these items alone."""
        return Evidence(
            sparse.csr_matrix(self.values[:, places]), sparse.csr_matrix(self.features[places]), self.ridge[places]
        )


@dataclass(frozen=True)
class TailLinks:
    """Between t items of the tail and the n of the head."""

    from_head: sparse.csr_matrix
    """(n, t)"""

    from_tail: sparse.csr_matrix
    """(t, n)"""


def tail_links(ease: Ease, head: Evidence, tail: Evidence, *, bars: Floats, is_scored: Flags, count: int) -> TailLinks:
    """The links between head and tail by bordering the head's inverse P with one item at a time.

    With g the item's column of X'X + FF' over the head, u = P g and s = its own diagonal - g'u, the regression of head
    and item together has the weights B[head, item] = u and B[item, j] = (u[j] / s) / (P[j, j] + u[j]^2 / s): exact
    for each item of the tail, but for what two of them say of each other. `bars` (n,) is what a link from each item
    of the head must pass to be kept; an item of the tail keeps its `count` strongest to what `is_scored` (n,).
    Time is that of a product of (t, n) and (n, n); memory that of the links kept.
    """
    squares, ridge = squares_of(tail.values), tail.ridge
    lengths = np.asarray(tail.features.multiply(tail.features).sum(axis=1)).ravel()
    diagonal = np.diagonal(ease.inverse)
    by_item, by_feature = sparse.csr_matrix(tail.values.T), sparse.csr_matrix(head.features.T)
    to_tail, from_tail = [], []
    for start in range(0, len(ridge), BLOCK):
        block = slice(start, start + BLOCK)
        gram = _shared(by_item[block], head.values) + _shared(tail.features[block], by_feature)
        fitted = gram.astype(ease.inverse.dtype) @ ease.inverse
        left = _left_over((squares + lengths + ridge)[block], ridge[block], gram, fitted)
        scaled = fitted / left
        to_tail.append(sparse.csr_matrix(np.where(np.abs(fitted) > bars, fitted, 0.0), dtype=np.float32))
        from_tail.append(strongest(np.where(is_scored, scaled / (diagonal + fitted * scaled), 0.0), count))
    return TailLinks(
        from_head=sparse.csr_matrix(stacked(to_tail, len(diagonal)).T),
        from_tail=stacked(from_tail, len(diagonal)),
    )


def _shared(left: sparse.csr_matrix, right: sparse.csr_matrix) -> NDArray[np.floating]:
    dense: NDArray[np.floating] = (left @ right).toarray()
    return dense


def _left_over(
    own: Doubles, ridge: Doubles, gram: NDArray[np.floating], fitted: NDArray[np.floating]
) -> NDArray[np.floating]:
    """(k, 1) s: what the head leaves unexplained of each item; never less than its ridge but by rounding."""
    explained = np.einsum("ij,ij->i", gram, fitted)
    left: NDArray[np.floating] = np.maximum(own - explained, ridge).astype(fitted.dtype)[:, np.newaxis]
    return left
