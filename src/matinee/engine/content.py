"""Item to item by what the items are."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from matinee.engine.links import BLOCK, stacked, thinned

MOST_SHARED = 1_000
"""A value that more items share than this is left out: it tells little, and would pair all with all."""


def likeness(vectors: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """(n, n): for each item the `count` others most like it, by the product of their rows of `vectors` (n, values)."""
    n_items = vectors.shape[0]
    columns = sparse.csc_matrix(vectors)
    telling = sparse.csr_matrix(columns[:, np.flatnonzero(np.diff(columns.indptr) <= MOST_SHARED)])
    by_value = sparse.csr_matrix(telling.T)
    pieces = [
        thinned(_without_itself(telling[start : start + BLOCK] @ by_value, start), count)
        for start in range(0, n_items, BLOCK)
    ]
    return stacked(pieces, n_items)


def _without_itself(block: sparse.csr_matrix, start: int) -> sparse.csr_matrix:
    pairs = block.tocoo()
    is_other = pairs.col != pairs.row + start
    return sparse.csr_matrix((pairs.data[is_other], (pairs.row[is_other], pairs.col[is_other])), shape=block.shape)
