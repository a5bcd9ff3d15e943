"""The same data give the same model: byte for byte here, and to 1e-5 with another number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.engine.evaluation.systems import without_facts
from matinee.engine.fitting import fit
from matinee.engine.interactions import Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.signals import History

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def ratings() -> Interactions:
    """400 people of six tastes, 900 films: some with many ratings, most with few."""
    random = np.random.default_rng(7)
    users = np.repeat(np.arange(400), 30)
    films = (900 * random.random(len(users)) ** 3).astype(np.int64) // 6 * 6 + users % 6 + 1
    return Interactions.from_arrays(users, films, random.integers(1, 6, len(users)))


def save(path: str) -> None:
    rated = ratings()
    knowledge = without_facts(rated.item_ids)
    arrays = fit(rated, knowledge.features, knowledge.popularity_prior).arrays()
    np.savez(path, allow_pickle=False, **arrays)


@pytest.fixture
def arrays_by_threads(tmp_path: Path) -> dict[int, dict[str, NDArray[np.generic]]]:
    fitted = {}
    for threads in (1, 2):
        path = tmp_path / f"{threads}.npz"
        code = f"from tests.engine.test_determinism import save; save({str(path)!r})"
        environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        with np.load(path) as arrays:
            fitted[threads] = dict(arrays)
    return fitted


def test_another_number_of_threads_gives_the_same_to_five_digits_and_the_same_lists(
    arrays_by_threads: dict[int, dict[str, NDArray[np.generic]]],
) -> None:
    one, two = (ItemModel.from_arrays(arrays) for arrays in arrays_by_threads.values())

    links = [model.links.matrix(model.n_items).toarray() for model in (one, two)]
    np.testing.assert_allclose(links[0], links[1], atol=1e-5)
    np.testing.assert_allclose(one.base, two.base, atol=1e-5)
    for film in one.item_ids[:20].tolist():
        best = [np.argsort(-model.score_all(History.liking([film])), kind="stable")[:100] for model in (one, two)]
        assert best[0].tolist() == best[1].tolist()
