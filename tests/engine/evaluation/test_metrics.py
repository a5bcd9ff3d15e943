from __future__ import annotations

import math

import numpy as np
import pytest

from matinee.engine.evaluation.beyond import beyond_accuracy
from matinee.engine.evaluation.cases import Case, Knowledge, Rankings, Split
from matinee.engine.evaluation.metrics import Estimate, Lead, accuracy, ndcg, recall
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions


def _case(shown: list[int], relevant: list[int], left_out: tuple[int, ...] = ()) -> Case:
    ids = np.array(shown, dtype=np.int64)
    return Case(ids, np.full(len(ids), 5, np.float32), np.array(relevant, np.int64), np.array(left_out, dtype=np.int64))


def test_ndcg_by_hand() -> None:
    hits = np.array([0.0, 1.0, 0.0, 1.0])

    expected = (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))

    assert ndcg(hits, 2, 100) == pytest.approx(expected)
    assert ndcg(hits, 2, 2) == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))


def test_recall_is_of_what_a_list_of_that_length_could_have() -> None:
    hits = np.array([1.0, 0.0, 1.0])

    assert recall(hits, 5, 2) == 0.5
    assert recall(hits, 2, 3) == 1.0


def test_what_is_shown_or_left_out_is_not_ranked_and_ties_go_to_the_lower_id() -> None:
    candidates = np.array([10, 20, 30, 40, 50], dtype=np.int64)
    split = Split(Interactions.empty(), [_case([50], [20], left_out=(40,))], candidates)

    rankings = Rankings.of(lambda case, ids: np.array([1.0, 2.0, 1.0, 9.0, 9.0]), split)

    assert rankings.lists[0].tolist() == [20, 10, 30]
    assert accuracy(rankings, split.cases)["NDCG@10"].tolist() == [1.0]


def test_nothing_left_to_rank_is_an_empty_list() -> None:
    split = Split(Interactions.empty(), [_case([10], [20])], np.array([10], dtype=np.int64))

    rankings = Rankings.of(lambda case, ids: np.zeros(1), split)

    assert rankings.lists[0].tolist() == []
    assert accuracy(rankings, split.cases)["Recall@20"].tolist() == [0.0]


def test_a_score_that_is_no_number_is_refused() -> None:
    split = Split(Interactions.empty(), [_case([10], [20])], np.array([10, 20], dtype=np.int64))

    with pytest.raises(ValueError, match="not a number"):
        Rankings.of(lambda case, ids: np.full(2, np.nan), split)


def test_an_estimate_knows_how_sure_it_is() -> None:
    random = np.random.default_rng(1)
    few, many = (Estimate.of(random.normal(0.5, 0.1, size)) for size in (50, 5_000))

    assert few.low < few.mean < few.high
    assert many.high - many.low < (few.high - few.low) / 5
    assert math.isnan(Estimate.of(np.zeros(0)).mean)


def test_a_lead_compares_the_same_people() -> None:
    theirs = np.random.default_rng(1).random(200)

    lead = Lead.of(1.1 * theirs, theirs)

    assert lead.relative == pytest.approx(0.1)
    assert lead.low == pytest.approx(lead.high)


def test_beyond_accuracy_tells_a_list_of_hits_from_a_varied_one() -> None:
    films = [1, 2, 3, 4]
    ratings = Interactions.from_arrays([1, 2, 3, 4, 1, 1, 1], [1, 1, 1, 1, 2, 3, 4], [5] * 7)
    features = ItemFeatures.from_lists(films, {"genres": [[28], [28], [35], [18]]})
    knowledge = Knowledge(features, np.ones(4, np.float32))
    split = Split(ratings, [_case([1], [2])] * 2, np.array(films, dtype=np.int64))

    hits = beyond_accuracy(Rankings((np.array([1, 2]), np.array([1, 2]))), split, knowledge)
    varied = beyond_accuracy(Rankings((np.array([3, 4]), np.array([2, 3]))), split, knowledge)

    assert hits["Coverage@20"] == 0.5 < varied["Coverage@20"] == 0.75
    assert hits["Novelty@20"] < varied["Novelty@20"]
    assert hits["Head@20"] == 0.5 > varied["Head@20"] == 0
    assert hits["Diversity@20"] == pytest.approx(0, abs=1e-6)
    assert varied["Diversity@20"] == pytest.approx(1)
    assert hits["Miscalibration@20"] == pytest.approx(0, abs=1e-6)
    assert varied["Miscalibration@20"] > 1


def test_without_ratings_or_facts_only_what_can_be_told_is_told() -> None:
    split = Split(Interactions.empty(), [_case([1], [2])], np.array([1, 2, 3], dtype=np.int64))
    rankings = Rankings((np.array([2]),))
    no_genres = Knowledge(ItemFeatures.from_lists([1, 2], {"keywords": [["war"], []]}), np.ones(2, np.float32))
    unknown_film = Knowledge(ItemFeatures.from_lists([9], {"genres": [[28]]}), np.ones(1, np.float32))

    assert set(beyond_accuracy(rankings, split, None)) == {"Coverage@20", "Novelty@20", "Head@20"}
    assert math.isnan(beyond_accuracy(rankings, split, no_genres)["Diversity@20"])
    assert math.isnan(beyond_accuracy(rankings, split, unknown_film)["Miscalibration@20"])
