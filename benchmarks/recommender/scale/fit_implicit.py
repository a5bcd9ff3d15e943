"""`python -m benchmarks.recommender.scale.fit_implicit FOLDER`, in implicit's own environment: one fit of its ALS.

64 factors, 15 iterations, two threads; it reads all ratings by their stars, as its best tuned settings do.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy import sparse

from benchmarks.recommender.scale.outcome import leave, timed

DEPTH = 100


def main(folder: Path) -> None:
    train, shown = (sparse.csr_matrix(sparse.load_npz(folder / f"{name}.npz")) for name in ("train", "shown"))
    train.data /= 5
    shown.data /= 5
    model = AlternatingLeastSquares(
        factors=64, iterations=15, alpha=ALPHA, regularization=REGULARIZATION, random_state=0, num_threads=2
    )
    _, figures = timed(lambda: model.fit(train, show_progress=False))
    columns, _ = model.recommend(np.arange(shown.shape[0]), shown, N=DEPTH, recalculate_user=True)
    leave(folder, columns + 1, {**figures, "artifact_bytes": np.asarray(model.item_factors).nbytes})


ALPHA, REGULARIZATION = 3.0, 30.0
"""Of three alphas and three regularizations the best on a million made-up ratings."""

if __name__ == "__main__":
    main(Path(sys.argv[1]))
