"""LensKit, run as `python -m benchmarks.peers.lenskit.worker FOLDER MODEL` in its own environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from lenskit.als import ImplicitMFScorer
from lenskit.data import Dataset, ItemList, RecQuery, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.training import TrainingOptions
from scipy import sparse

from benchmarks.recommender import jobs


def item_knn(train: sparse.csr_matrix, shown: sparse.csr_matrix, **parameters: Any) -> np.ndarray:
    return _scored(ItemKNNScorer(feedback="implicit", **parameters), train, shown)


def als(train: sparse.csr_matrix, shown: sparse.csr_matrix, **parameters: Any) -> np.ndarray:
    return _scored(ImplicitMFScorer(use_ratings=True, **parameters), train, shown)


def _scored(scorer: Any, train: sparse.csr_matrix, shown: sparse.csr_matrix) -> np.ndarray:
    """What the scorer can't score comes last."""
    scorer.train(_dataset(train), TrainingOptions(rng=0))
    items = ItemList(item_ids=np.unique(train.indices))
    scores = np.full(shown.shape, -1e9, dtype=np.float32)
    for row in range(shown.shape[0]):
        span = slice(shown.indptr[row], shown.indptr[row + 1])
        is_known = np.isin(shown.indices[span], items.ids())
        history = ItemList(item_ids=shown.indices[span][is_known], rating=shown.data[span][is_known])
        if len(history):
            of_items = scorer(RecQuery(user_items=history), items).scores()
            scores[row, items.ids()] = np.nan_to_num(of_items, nan=-1e9)
    return scores


def _dataset(train: sparse.csr_matrix) -> Dataset:
    cells = train.tocoo()
    return from_interactions_df(pd.DataFrame({"user_id": cells.row, "item_id": cells.col, "rating": cells.data}))


if __name__ == "__main__":
    jobs.serve({"item-knn": item_knn, "als": als})
