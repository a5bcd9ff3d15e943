"""The items past the head of the regression: each is fitted to the head alone, as if it were the only one more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine.arrays import Doubles, Flags, Floats
from matinee.engine.ease import Ease
from matinee.engine.links import BLOCK, stacked, strongest
from matinee.engine.pairs import Evidence


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
    own, diagonal = tail.diagonal(), np.diagonal(ease.inverse)
    block_of = tail.beside(head, np.dtype(np.float64))
    to_tail, from_tail = [], []
    for start in range(0, len(own), BLOCK):
        block = slice(start, start + BLOCK)
        gram = block_of(block)
        fitted = gram.astype(ease.inverse.dtype) @ ease.inverse
        left = _left_over(own[block], tail.ridge[block], gram, fitted)
        scaled = fitted / left
        to_tail.append(sparse.csr_matrix(np.where(np.abs(fitted) > bars, fitted, 0.0), dtype=np.float32))
        from_tail.append(strongest(np.where(is_scored, scaled / (diagonal + fitted * scaled), 0.0), count))
    return TailLinks(
        from_head=sparse.csr_matrix(stacked(to_tail, len(diagonal)).T),
        from_tail=stacked(from_tail, len(diagonal)),
    )


def _left_over(
    own: Doubles, ridge: Doubles, gram: NDArray[np.floating], fitted: NDArray[np.floating]
) -> NDArray[np.floating]:
    """(k, 1) s: what the head leaves unexplained of each item; never less than its ridge but by rounding."""
    explained = np.einsum("ij,ij->i", gram, fitted)
    left: NDArray[np.floating] = np.maximum(own - explained, ridge).astype(fitted.dtype)[:, np.newaxis]
    return left
