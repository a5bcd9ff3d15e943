"""How the runner and a peer in an environment of its own talk: a folder of arrays, and one line a trial.

Imported on both sides, so that it needs nothing but numpy and scipy.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

LIKED_FROM = 4.0
DONE = "done"
"""What a worker prints when the scores of a trial are there, followed by the trial's number."""

Score = Callable[..., NDArray[np.floating]]
"""(train, shown, **parameters) → (rows of shown, items)."""


def write(
    folder: Path, train: sparse.csr_matrix, shown: sparse.csr_matrix, trials: Sequence[Mapping[str, Any]]
) -> None:
    """`train` is (people, items) of stars and `shown` (cases, items); each trial has the parameters of one fit."""
    sparse.save_npz(folder / "train.npz", train, compressed=False)
    sparse.save_npz(folder / "shown.npz", shown, compressed=False)
    (folder / "trials.json").write_text(json.dumps([dict(trial) for trial in trials]))


def read_scores(folder: Path, trial: int) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = np.load(folder / f"scores-{trial}.npy", mmap_mode="r")
    return scores


def serve(models: Mapping[str, Score]) -> None:
    """The whole of a worker, called with a folder and the name of a model: fit and score each trial in turn.

    A trial's `input` says what the model reads of the stars, see `worth`; all else is handed to the model.
    """
    folder, model = Path(sys.argv[1]), models[sys.argv[2]]
    train, shown = (sparse.csr_matrix(sparse.load_npz(folder / f"{name}.npz")) for name in ("train", "shown"))
    for number, trial in enumerate(json.loads((folder / "trials.json").read_text())):
        reads = trial.pop("input")
        scores = model(worth(train, reads), worth(shown, reads), **trial)
        np.save(folder / f"scores-{number}.npy", np.asarray(scores, dtype=np.float32))
        print(DONE, number, flush=True)


def worth(stars: sparse.csr_matrix, reads: str) -> sparse.csr_matrix:
    """What a model reads: 1 for each of the "likes" (4 stars or more), 1 for everything "seen", or "stars" / 5."""
    matrix = stars.astype(np.float32)
    if reads == "stars":
        matrix.data = matrix.data / 5
    else:
        matrix.data = (matrix.data >= (LIKED_FROM if reads == "likes" else 0)).astype(np.float32)
    matrix.eliminate_zeros()
    return matrix
