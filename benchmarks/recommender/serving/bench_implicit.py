"""implicit, in its own environment: the person is folded in, the best 20 are found; ALS once more with its reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from scipy import sparse

from benchmarks.recommender.serving.questions import LENGTH, QUESTIONS, Questions, measure

ASKED = Questions.read()


def trained(model: Any) -> Any:
    model.fit(ASKED.train.astype(np.float32), show_progress=False)
    return model


@pytest.fixture(scope="module")
def als() -> Any:
    return trained(AlternatingLeastSquares(factors=64, iterations=15, random_state=0, num_threads=1))


@pytest.fixture(scope="module")
def neighbours() -> Any:
    return trained(CosineRecommender(K=400, num_threads=1))


def rows(length: int) -> list[sparse.csr_matrix]:
    return [history.row(ASKED.train.shape[1]) for history in ASKED.histories[length]]


def items(which: str) -> np.ndarray | None:
    allowed = ASKED.allowed[which]
    return None if allowed.all() else np.flatnonzero(allowed)


@pytest.mark.parametrize(("length", "which"), QUESTIONS)
def test_implicit_als(benchmark: Any, als: Any, length: int, which: str) -> None:
    chosen = items(which)
    measure(benchmark, lambda row: als.recommend(0, row, N=LENGTH, recalculate_user=True, items=chosen), rows(length))


@pytest.mark.parametrize(("length", "which"), QUESTIONS)
def test_implicit_als_with_reasons(benchmark: Any, als: Any, length: int, which: str) -> None:
    chosen = items(which)

    def answer(row: sparse.csr_matrix) -> list[Any]:
        films, _ = als.recommend(0, row, N=LENGTH, recalculate_user=True, items=chosen)
        reasons, weights = [], None
        for film in films:
            _, because, weights = als.explain(0, row, film, user_weights=weights, N=5)
            reasons.append(because)
        return reasons

    measure(benchmark, answer, rows(length))


@pytest.mark.parametrize(("length", "which"), QUESTIONS)
def test_implicit_item_knn(benchmark: Any, neighbours: Any, length: int, which: str) -> None:
    chosen = items(which)
    measure(benchmark, lambda row: neighbours.recommend(0, row, N=LENGTH, items=chosen), rows(length))
