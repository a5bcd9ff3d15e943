"""Runs in a virtual environment of its own, which has implicit: fit on one matrix, score the rows of another.

Called as `python implicit_worker.py JOB`, a folder with train.npz, shown.npz (scipy's CSR) and job.json; leaves
scores.npy, (rows of shown, items).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import implicit.als
import implicit.nearest_neighbours
import numpy as np
from scipy import sparse

folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())
train, shown = (sparse.load_npz(folder / f"{name}.npz").astype(np.float32) for name in ("train", "shown"))
parameters = job["parameters"]
if job["model"] == "als":
    model = implicit.als.AlternatingLeastSquares(random_state=0, **parameters)
    model.fit(train, show_progress=False)
    users = np.asarray(model.recalculate_user(np.arange(shown.shape[0]), shown))
    scores = users @ np.asarray(model.item_factors).T
else:
    recommender = {
        "cosine": implicit.nearest_neighbours.CosineRecommender,
        "bm25": implicit.nearest_neighbours.BM25Recommender,
    }[job["model"]]
    model = recommender(**parameters)
    model.fit(train, show_progress=False)
    scores = (shown @ model.similarity).toarray()
np.save(folder / "scores.npy", np.asarray(scores, dtype=np.float32))
