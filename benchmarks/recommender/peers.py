"""The systems beside ours, each with what can be tuned about it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.evaluation.cases import LIKED_FROM, Case, Ranker, Split
from matinee.engine.evaluation.systems import NEVER, PlainEase, popularity
from matinee.engine.interactions import Interactions

HERE = Path(__file__).parent
IMPLICIT = HERE / ".venvs" / "implicit" / "bin" / "python"


@dataclass(frozen=True)
class Peer:
    name: str
    choices: Mapping[str, tuple[Any, ...]]
    """What is tuned: every parameter, and its values."""

    def ranker(self, split: Split, parameters: Mapping[str, Any]) -> Ranker:
        if self.name == "popularity":
            return popularity(split.train)
        if self.name == "EASE":
            return PlainEase(**parameters)(split.train)
        return _implicit(self.name, split, dict(parameters))


INPUTS = ("likes", "ratings")
"""Peers are tuned on what to read too: likes alone, or every rating, weighed by its stars."""

PEERS = (
    Peer("popularity", {}),
    Peer("EASE", {"l2": (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)}),
    Peer(
        "implicit ALS",
        {
            "factors": (16, 32, 64, 128),
            "regularization": (0.01, 0.1, 1.0, 10.0),
            "alpha": (1.0, 3.0, 10.0, 30.0),
            "iterations": (15,),
            "input": INPUTS,
        },
    ),
    Peer("implicit cosine", {"K": (20, 50, 100, 200, 500), "input": INPUTS}),
    Peer("implicit BM25", {"K": (20, 50, 100, 200, 500), "K1": (0.5, 1.2), "B": (0.2, 0.75), "input": INPUTS}),
)


def _implicit(name: str, split: Split, parameters: dict[str, Any]) -> Ranker:
    """Scores every case at once in implicit's own environment, then looks them up."""
    reads = parameters.pop("input")
    ids = split.train.item_ids
    kinds = {"implicit ALS": "als", "implicit cosine": "cosine", "implicit BM25": "bm25"}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sparse.save_npz(place / "train.npz", _matrix(split.train, reads))
        sparse.save_npz(place / "shown.npz", _shown(split, reads))
        (place / "job.json").write_text(json.dumps({"model": kinds[name], "parameters": parameters}))
        subprocess.run([IMPLICIT, HERE / "implicit_worker.py", place], check=True)
        scores = np.load(place / "scores.npy")
    rows = {id(case): row for row, case in enumerate(split.cases)}

    def rank(case: Case, candidates: Ids, /) -> Doubles:
        return np.append(scores[rows[id(case)]].astype(np.float64), NEVER)[rows_of(ids, candidates)]

    return rank


def _worth(ratings: np.ndarray[Any, np.dtype[np.float32]], reads: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (ratings >= LIKED_FROM).astype(np.float32) if reads == "likes" else ratings / 5


def _matrix(train: Interactions, reads: str) -> sparse.csr_matrix:
    cells = (train.user_rows, train.item_rows)
    matrix = sparse.csr_matrix((_worth(train.ratings, reads), cells), shape=(train.n_users, train.n_items))
    matrix.eliminate_zeros()
    return matrix


def _shown(split: Split, reads: str) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(split.cases)), [len(case.item_ids) for case in split.cases])
    items = rows_of(split.train.item_ids, np.concatenate([case.item_ids for case in split.cases]))
    worth = _worth(np.concatenate([case.ratings for case in split.cases]), reads)
    known = items >= 0
    shape = (len(split.cases), split.train.n_items)
    matrix = sparse.csr_matrix((worth[known], (rows[known], items[known])), shape=shape)
    matrix.eliminate_zeros()
    return matrix
