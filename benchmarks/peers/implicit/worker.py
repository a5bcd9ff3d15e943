"""implicit, run as `python -m benchmarks.peers.implicit.worker FOLDER MODEL` in its own environment."""

from __future__ import annotations

from typing import Any

import implicit.als
import implicit.nearest_neighbours
import numpy as np
from scipy import sparse

from benchmarks.recommender import jobs


def als(train: sparse.csr_matrix, shown: sparse.csr_matrix, **parameters: Any) -> np.ndarray:
    model = implicit.als.AlternatingLeastSquares(random_state=0, **parameters)
    model.fit(train, show_progress=False)
    users = np.asarray(model.recalculate_user(np.arange(shown.shape[0]), shown))
    return users @ np.asarray(model.item_factors).T


def cosine(train: sparse.csr_matrix, shown: sparse.csr_matrix, **parameters: Any) -> np.ndarray:
    return _neighbours(implicit.nearest_neighbours.CosineRecommender(**parameters), train, shown)


def bm25(train: sparse.csr_matrix, shown: sparse.csr_matrix, **parameters: Any) -> np.ndarray:
    return _neighbours(implicit.nearest_neighbours.BM25Recommender(**parameters), train, shown)


def _neighbours(model: Any, train: sparse.csr_matrix, shown: sparse.csr_matrix) -> np.ndarray:
    model.fit(train, show_progress=False)
    return (shown @ model.similarity).toarray()


if __name__ == "__main__":
    jobs.serve({"als": als, "cosine": cosine, "bm25": bm25})
