from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from matinee.engine.ease import Ease
from matinee.engine.evaluation.cases import Case
from matinee.engine.evaluation.systems import PlainEase
from matinee.engine.interactions import Interactions
from matinee.engine.pairs import Evidence, RowPairs

L2 = 3.0


@pytest.mark.parametrize(("people", "films"), [(12, 30), (30, 12)])
def test_plain_ease_scores_by_the_weights_of_the_regression_whichever_side_is_shorter(people: int, films: int) -> None:
    random = np.random.default_rng(1)
    users, items = np.nonzero(random.random((people, films)) < 0.5)
    stars = random.integers(1, 6, len(users))
    train = Interactions.from_arrays(users, items, stars)
    likes = sparse.csr_matrix(((stars >= 4).astype(float), (train.user_rows, train.item_rows)), shape=(people, films))
    nothing = sparse.csr_matrix(np.zeros((films, 0)))
    evidence = Evidence(RowPairs(likes), np.arange(films), nothing, np.full(films, L2))
    weights = Ease.fit(evidence).weights(np.arange(films))
    case = Case(np.array([1, 4, 5]), np.array([5, 2, 4], dtype=np.float32), np.array([7]))
    others = np.setdiff1d(train.item_ids, case.item_ids)

    scores = PlainEase(l2=L2)(train)(case, others)

    assert scores == pytest.approx(weights[[1, 5]].sum(axis=0)[others], abs=1e-5)
