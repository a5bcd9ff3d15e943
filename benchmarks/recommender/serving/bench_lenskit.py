"""LensKit, in its own environment: its top-n pipeline, which folds the person in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lenskit import recommend, topn_pipeline
from lenskit.als import ImplicitMFScorer
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import ItemKNNScorer

from benchmarks.recommender.serving.questions import LENGTH, QUESTIONS, History, Questions, measure

ASKED = Questions.read()


def trained(scorer: Any) -> Any:
    cells = ASKED.train.tocoo()
    frame = pd.DataFrame({"user_id": cells.row, "item_id": cells.col, "rating": cells.data})
    pipeline = topn_pipeline(scorer, n=LENGTH)
    pipeline.train(from_interactions_df(frame))
    return pipeline


@pytest.fixture(scope="module")
def neighbours() -> Any:
    return trained(ItemKNNScorer(feedback="implicit", max_nbrs=400, save_nbrs=400))


@pytest.fixture(scope="module")
def als() -> Any:
    return trained(ImplicitMFScorer(embedding_size=64, epochs=15))


def queries(length: int) -> list[RecQuery]:
    def query(history: History) -> RecQuery:
        return RecQuery(user_items=ItemList(item_ids=history.films, rating=history.stars))

    return [query(history) for history in ASKED.histories[length]]


def items(which: str) -> ItemList | None:
    allowed = ASKED.allowed[which]
    return None if allowed.all() else ItemList(item_ids=np.flatnonzero(allowed))


@pytest.mark.parametrize(("length", "which"), QUESTIONS)
def test_lenskit_item_knn(benchmark: Any, neighbours: Any, length: int, which: str) -> None:
    chosen = items(which)
    measure(benchmark, lambda query: recommend(neighbours, query, LENGTH, chosen), queries(length))


@pytest.mark.parametrize(("length", "which"), QUESTIONS)
def test_lenskit_als(benchmark: Any, als: Any, length: int, which: str) -> None:
    chosen = items(which)
    measure(benchmark, lambda query: recommend(als, query, LENGTH, chosen), queries(length))
