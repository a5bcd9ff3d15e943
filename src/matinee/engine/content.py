"""Item to item by what the items are."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from matinee.engine.links import BLOCK, strongest


def likeness(vectors: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """(n, n): for each item the `count` others most like it, by the product of their rows of `vectors` (n, values)."""
    n_items = vectors.shape[0]
    by_value = sparse.csc_matrix(vectors.T)
    pieces = []
    for start in range(0, n_items, BLOCK):
        block = (vectors[start : start + BLOCK] @ by_value).toarray()
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0
        pieces.append(strongest(block, count))
    if not pieces:
        return sparse.csr_matrix(np.zeros((0, 0), dtype=np.float32))
    return sparse.csr_matrix(sparse.vstack(pieces, format="csr"))
