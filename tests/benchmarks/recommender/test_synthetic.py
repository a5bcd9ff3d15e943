from __future__ import annotations

import numpy as np
import pytest
from benchmarks.recommender.synthetic import Size, synthetic

from matinee.engine.evaluation.cases import Rankings
from matinee.engine.evaluation.metrics import Lead, accuracy
from matinee.engine.evaluation.protocols import People, strong_generalisation
from matinee.engine.evaluation.systems import Engine, popularity

SIZE = Size.of(60_000)


def test_sizes_are_in_proportion_as_those_of_movielens() -> None:
    assert Size.of(25_000_000) == Size(people=160_000, films=60_000, ratings=25_000_000)
    assert Size.of(100_000) == Size(people=640, films=9_701, ratings=100_000)


def test_there_are_exactly_so_many_ratings_one_for_each_person_and_film() -> None:
    ratings = synthetic(SIZE).ratings

    pairs = ratings.user_rows.astype(np.int64) * ratings.n_items + ratings.item_rows
    assert ratings.size == len(np.unique(pairs)) == SIZE.ratings
    assert ratings.n_users == SIZE.people
    assert set(np.unique(ratings.ratings)) == {0.5 * halves for halves in range(1, 11)}


def test_everybody_has_twenty_ratings_and_a_few_have_very_many() -> None:
    activity = np.bincount(synthetic(SIZE).ratings.user_rows)

    assert activity.min() >= 20
    assert 65 < np.median(activity) < 80
    assert activity.max() > 10 * np.median(activity)


def test_popularity_falls_ever_more_steeply_to_a_long_tail() -> None:
    counts = np.zeros(SIZE.films, dtype=np.int64)
    ratings = synthetic(SIZE).ratings
    counts[: ratings.n_items] = np.sort(np.bincount(ratings.item_rows))[::-1]

    tenths = np.log1p(counts[[0, SIZE.films // 100, SIZE.films // 10, SIZE.films // 2]])
    assert counts[0] > 0.3 * SIZE.people
    assert counts[SIZE.films // 2] <= 6
    assert np.all(np.diff(tenths) < -0.5)


def test_every_film_has_facts_rated_or_not() -> None:
    dataset = synthetic(SIZE)

    assert dataset.facts is not None
    assert dataset.facts.features.n_items == SIZE.films > dataset.ratings.n_items
    assert np.isin(dataset.ratings.item_ids, dataset.facts.features.item_ids).all()
    assert set(dataset.facts.features.fields) == {"genres", "keywords", "directors", "cast", "eras"}


def test_the_same_seed_gives_the_same_ratings_and_another_one_others() -> None:
    one, again, other = (synthetic(SIZE, seed).ratings for seed in (1, 1, 2))

    assert np.array_equal(one.item_rows, again.item_rows)
    assert np.array_equal(one.ratings, again.ratings)
    assert not np.array_equal(one.item_rows, other.item_rows)


def test_taste_can_be_learned() -> None:
    dataset = synthetic(Size(people=500, films=1_200, ratings=50_000))
    assert dataset.facts is not None
    split = strong_generalisation(dataset.ratings, People.of(dataset.ratings).folds[0])

    ours, theirs = (
        accuracy(Rankings.of(ranker, split), split.cases)["NDCG@100"]
        for ranker in (Engine(dataset.facts)(split.train), popularity(split.train))
    )

    assert Lead.of(ours, theirs).low > 0.1


def test_more_ratings_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="10 people do not rate 30 films 250 times"):
        synthetic(Size(people=10, films=30, ratings=250))
