from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.engine.fitting import fit
from matinee.engine.item_model import PATIENCES_OF_FEW, ItemModel
from matinee.engine.signals import History
from tests.engine import worlds

LEAST = 1 / (1 + PATIENCES_OF_FEW**2)
MODEL = fit(worlds.ratings(), worlds.films(), worlds.equal_prior())


@given(
    ratings=st.dictionaries(st.sampled_from([*worlds.FILMS, 999]), st.integers(1, 5), max_size=14),
    favorites=st.sets(st.sampled_from(worlds.FILMS), max_size=3),
)
def test_base_and_contributions_add_up_to_the_score(ratings: dict[int, int], favorites: set[int]) -> None:
    history = History.of_actions(ratings=ratings.items(), favorites=favorites)

    rows, scores = MODEL.score(history)
    start = MODEL.start(MODEL.reach(history))
    added = start[rows] + MODEL.contributions(history, rows).sum(axis=0)

    np.testing.assert_allclose(added, scores, rtol=1e-12, atol=1e-12)


def test_untouched_items_score_their_start() -> None:
    history = History.liking([worlds.SPACE[0]])

    rows, scores = MODEL.score(history)
    everything = MODEL.score_all(history)

    untouched = np.setdiff1d(np.arange(MODEL.n_items), rows)
    np.testing.assert_array_equal(everything[rows], scores)
    np.testing.assert_array_equal(everything[untouched], MODEL.start(MODEL.reach(history))[untouched])


def test_the_more_is_known_of_a_person_the_less_of_the_base_is_left() -> None:
    nothing, unknown, one, many = (
        MODEL.start(MODEL.reach(history))
        for history in (
            History.of_actions(),
            History.liking([999]),
            History.liking([worlds.SPACE[0]]),
            History.liking(worlds.SPACE + worlds.ROMANCE),
        )
    )

    np.testing.assert_allclose(nothing, MODEL.base)
    np.testing.assert_array_equal(unknown, nothing)
    rated = MODEL.evidence > 0
    assert 0 < rated.sum() < MODEL.n_items
    for more, less in ((nothing, one), (one, many), (many, MODEL.lasting_base)):
        assert np.all(more[rated] > less[rated])
        assert np.all(more[~rated] < less[~rated])  # what it may come to takes the place of what is expected
    assert nothing.sum() > one.sum() > many.sum()


@pytest.mark.parametrize("n_films", [1, 5, len(worlds.SPACE)])
def test_the_more_is_known_of_a_person_the_more_count_the_links_of_long_histories(n_films: int) -> None:
    films = worlds.SPACE[:n_films]

    reach = MODEL.reach(History.liking(films))

    half = 1 / (1 + (n_films / MODEL.links_patience) ** 2)
    few = (half - LEAST) / (1 - LEAST)
    senders = [slice(*MODEL.links.ends[row : row + 2]) for row in reach.senders]
    weights = np.concatenate(
        [few * MODEL.weights_of_few[links] + (1 - few) * MODEL.links.weights[links] for links in senders]
    )
    np.testing.assert_allclose(reach.weights, weights, rtol=1e-5, atol=1e-8)


def test_of_a_long_history_the_links_of_short_ones_are_not_even_read() -> None:
    model = replace(MODEL, links_patience=1.0, weights_of_few=np.full_like(MODEL.weights_of_few, np.nan))

    short, long = (model.reach(History.liking(films)) for films in (worlds.SPACE[:4], worlds.SPACE[:5]))

    assert np.all(np.isnan(short.weights))
    assert np.all(np.isfinite(long.weights))
    assert long.weights is long.of_many


def test_single_sums_are_the_sums_in_single_precision() -> None:
    reach = MODEL.reach(History.liking(worlds.SPACE))

    assert reach.single_sums().dtype == np.float32
    np.testing.assert_allclose(reach.single_sums(), reach.sums(), rtol=1e-5, atol=1e-7)


def test_beside_films_that_nobody_has_rated_less_of_the_base_counts() -> None:
    rated, unrated = (
        MODEL.start(MODEL.reach(History.liking([film]))) for film in (worlds.SPACE[0], worlds.UNSEEN_SPACE)
    )

    assert np.all(unrated <= rated)
    assert unrated.sum() < 0.5 * rated.sum()


def test_an_empty_history_and_unknown_items_touch_nothing() -> None:
    for history in (History.of_actions(), History.liking([999])):
        rows, scores = MODEL.score(history)
        assert len(rows) == len(scores) == 0
        assert MODEL.contributions(history, np.array([0, 1], np.int32)).shape == (history.size, 2)


def test_films_of_one_circle_are_more_alike_than_films_of_two() -> None:
    rows = MODEL.rows_of(np.array([101, 102, 201]))

    alike = MODEL.similarity(rows)

    assert alike[0, 0] == pytest.approx(1)
    assert alike[0, 1] > alike[0, 2]


def test_a_model_survives_its_arrays() -> None:
    again = ItemModel.from_arrays(MODEL.arrays())

    assert {name: array.tobytes() for name, array in again.arrays().items()} == {
        name: array.tobytes() for name, array in MODEL.arrays().items()
    }


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("base", np.zeros(3, np.float32)),
        ("base", np.full(MODEL.n_items, np.nan, np.float32)),
        ("evidence", np.zeros(3, np.int32)),
        ("expected_stars", np.zeros(3, np.float32)),
        ("expected_stars", np.full(MODEL.n_items, np.nan, np.float32)),
        ("item_ids", MODEL.item_ids[::-1]),
        ("links_ends", MODEL.links.ends[:-1]),
        ("links_ends", np.append(MODEL.links.ends[:-1], 0)),
        ("links_ends", np.zeros(0, np.int64)),
        ("links_columns", MODEL.links.columns + 1000),
        ("links_columns", MODEL.links.columns - 1000),
        ("links_weights", np.zeros(1, np.float32)),
        ("weights_of_few", np.zeros(1, np.float32)),
        ("links_patience", np.zeros(1)),
        ("links_patience", np.full(1, np.nan)),
        ("vectors_ends", np.zeros(1, np.int64)),
    ],
)
def test_damaged_arrays_are_refused(name: str, damage: np.ndarray[Any, np.dtype[Any]]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ItemModel.from_arrays({**MODEL.arrays(), name: damage})


def test_a_missing_array_is_refused_by_name() -> None:
    arrays = MODEL.arrays()
    del arrays["base"]

    with pytest.raises(ValueError, match="base"):
        ItemModel.from_arrays(arrays)
