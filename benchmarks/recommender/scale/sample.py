"""`python -m benchmarks.recommender.scale.sample FOLDER RATINGS`: made-up ratings as arrays, most to train on and some
people held out, as every system of the comparison reads them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.recommender.synthetic import Size, synthetic
from matinee.engine.evaluation.cases import Case, Knowledge, Split
from matinee.engine.evaluation.protocols import strong_generalisation
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions

MOST_HELD_OUT, SHARE_HELD_OUT = 1_000, 0.2
COLUMNS = ("user_rows", "item_ids", "item_rows", "ratings", "timestamps")


def write(folder: Path, size: Size) -> None:
    """The films are columns by their ids in every matrix: the film of column j has the id j + 1."""
    dataset = synthetic(size)
    assert dataset.facts is not None
    people = min(MOST_HELD_OUT, round(SHARE_HELD_OUT * size.people))
    held_out = np.sort(np.random.default_rng(0).choice(size.people, people, replace=False))
    split = strong_generalisation(dataset.ratings, held_out)
    train = split.train
    for column in COLUMNS:
        np.save(folder / f"{column}.npy", getattr(train, column))
    np.save(folder / "prior.npy", dataset.facts.popularity_prior)
    for name, matrix in dataset.facts.features.fields.items():
        sparse.save_npz(folder / f"fact-{name}.npz", matrix, compressed=False)
    _, rows = np.unique(train.user_rows, return_inverse=True)
    cells = (rows, train.item_ids[train.item_rows] - 1)
    matrices = {
        "train": sparse.csr_matrix((train.ratings, cells), shape=(int(rows.max()) + 1, size.films)),
        "shown": _matrix([(case.item_ids, case.ratings) for case in split.cases], size.films),
        "relevant": _matrix([(case.relevant, np.ones(len(case.relevant))) for case in split.cases], size.films),
    }
    for name, matrix in matrices.items():
        sparse.save_npz(folder / f"{name}.npz", matrix.astype(np.float32), compressed=False)


def read(folder: Path) -> tuple[Split, Knowledge]:
    train = Interactions(**{column: np.load(folder / f"{column}.npy") for column in COLUMNS})
    known = knowledge(folder)
    return Split(train, cases(folder), known.features.item_ids), known


def knowledge(folder: Path) -> Knowledge:
    """What there is to know of the films beside ratings."""
    fields = {path.stem.removeprefix("fact-"): sparse.csr_matrix(sparse.load_npz(path)) for path in _facts(folder)}
    prior = np.load(folder / "prior.npy")
    ids = np.arange(1, len(prior) + 1, dtype=np.int64)
    return Knowledge(ItemFeatures(ids, fields), prior)


def cases(folder: Path) -> list[Case]:
    """What is asked about the people held out."""
    shown, relevant = (sparse.csr_matrix(sparse.load_npz(folder / f"{name}.npz")) for name in ("shown", "relevant"))
    found = []
    for row in range(shown.shape[0]):
        one, other = (slice(*matrix.indptr[row : row + 2]) for matrix in (shown, relevant))
        ids, liked = shown.indices[one].astype(np.int64) + 1, relevant.indices[other].astype(np.int64) + 1
        found.append(Case(item_ids=ids, ratings=shown.data[one], relevant=liked))
    return found


def _facts(folder: Path) -> list[Path]:
    return sorted(folder.glob("fact-*.npz"))


def _matrix(rows: list[tuple[np.ndarray, np.ndarray]], films: int) -> sparse.csr_matrix:
    """A row for each pair of ascending ids and their values."""
    ends = np.cumsum([0] + [len(ids) for ids, _ in rows])
    ids, values = (np.concatenate(each) for each in zip(*rows, strict=True))
    return sparse.csr_matrix((values, ids - 1, ends), shape=(len(rows), films))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Size.of(int(sys.argv[2])))
