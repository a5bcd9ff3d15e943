from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from matinee.engine import ease
from matinee.engine.config import EngineConfig
from matinee.engine.features import ItemFeatures
from matinee.engine.fitting import fit
from matinee.engine.interactions import Interactions
from matinee.engine.item_model import ItemModel
from matinee.engine.pairs import Evidence, RowPairs
from matinee.engine.signals import History
from tests.engine import worlds


def _scores(model: ItemModel, history: History) -> dict[int, float]:
    return dict(zip(model.item_ids.tolist(), model.score_all(history).tolist(), strict=True))


def test_someone_who_likes_space_gets_space_before_romance() -> None:
    model = fit(worlds.ratings(), worlds.films(), worlds.equal_prior())

    scores = _scores(model, History.liking(worlds.SPACE[:2]))

    assert min(scores[film] for film in worlds.SPACE[2:]) > max(scores[film] for film in worlds.ROMANCE)


def test_one_star_pushes_its_kind_away() -> None:
    model = fit(worlds.ratings(), worlds.films(), worlds.equal_prior())

    nothing = _scores(model, History.of_actions())
    disliking = _scores(model, History.of_actions(ratings=[(worlds.SPACE[0], 1)]))

    assert all(disliking[film] < nothing[film] for film in worlds.SPACE[1:])


def test_a_film_that_nobody_rated_is_found_by_its_content() -> None:
    model = fit(worlds.ratings(), worlds.films(), worlds.equal_prior())

    scores = _scores(model, History.liking(worlds.SPACE[:2]))

    assert scores[worlds.UNSEEN_SPACE] > scores[worlds.UNSEEN_ROMANCE]
    assert model.evidence[model.rows_of(np.array([worlds.UNSEEN_SPACE]))] == 0


def test_without_any_rating_content_and_acclaim_recommend() -> None:
    prior = np.linspace(0, 1, len(worlds.FILMS), dtype=np.float32)

    model = fit(Interactions.empty(), worlds.films(), prior)

    assert np.argmax(model.base) == len(worlds.FILMS) - 1
    scores = _scores(model, History.liking(worlds.ROMANCE[:1]))
    assert scores[worlds.ROMANCE[1]] > scores[worlds.SPACE[1]]


def test_nothing_at_all_is_a_model_too() -> None:
    model = fit(Interactions.empty(), ItemFeatures.empty(), np.zeros(0, np.float32))

    rows, _ = model.score(History.liking([603]))

    assert model.n_items == 0
    assert len(rows) == 0


def test_one_user_is_enough_to_train() -> None:
    model = fit(Interactions.from_arrays([1, 1], [101, 102], [5, 4]), worlds.films(), worlds.equal_prior())

    assert model.n_items == len(worlds.FILMS)


def test_community_films_outside_the_catalogue_help_and_are_never_scored() -> None:
    users = [user for user in range(20) for _ in range(3)]
    items = [item for _ in range(20) for item in (101, -7, 900)]
    community = Interactions.from_arrays(users, items, [5.0] * 60)

    model = fit(community, worlds.films(), worlds.equal_prior())

    rows, _ = model.score(History.liking([101, 900]))
    assert model.item_ids.tolist() == [*worlds.FILMS, 900]
    assert 900 not in model.item_ids[rows]
    assert 101 in model.item_ids[model.score(History.liking([900]))[0]]


def test_the_most_loved_film_has_the_highest_base() -> None:
    likes = [(user, 101) for user in range(30)] + [(user, 201) for user in range(5)]
    community = Interactions.from_arrays([u for u, _ in likes], [f for _, f in likes], [5.0] * len(likes))

    model = fit(community, worlds.films(), worlds.equal_prior())

    base = dict(zip(model.item_ids.tolist(), model.base.tolist(), strict=True))
    assert max(base, key=lambda film: base[film]) == 101


def test_two_fits_give_the_same_bytes() -> None:
    first, second = (fit(worlds.ratings(), worlds.films(), worlds.equal_prior()).arrays() for _ in range(2))

    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_an_item_keeps_only_its_strongest_links() -> None:
    config = EngineConfig(neighbours=2)

    model = fit(worlds.ratings(), worlds.films(), worlds.equal_prior(), config)

    links = model.links.matrix(model.n_items)
    links.eliminate_zeros()
    assert np.diff(links.indptr).max() == 2


def test_the_stages_are_told() -> None:
    told: list[str] = []

    fit(worlds.ratings(), worlds.films(), worlds.equal_prior(), progress=told.append)

    assert len(told) == 2


def test_a_prior_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="one figure an item"):
        fit(worlds.ratings(), worlds.films(), np.zeros(1, np.float32))


def _five_items() -> tuple[Evidence, NDArray[np.float64]]:
    """What there is of them, and the rows of it: nine people, and three facts. The dropout is one half."""
    random = np.random.default_rng(1)
    ratings, facts = random.integers(0, 2, (9, 5)).astype(np.float64), random.random((5, 3))
    ridge = ease.EaseConfig(l2=2.0, l2_growth=0.0).ridge(9, (ratings**2).sum(axis=0), 0.5)
    pairs = RowPairs(sparse.csr_matrix(ratings))
    return Evidence(pairs, np.arange(5), sparse.csr_matrix(facts), ridge), np.vstack([ratings, facts.T])


def test_the_regression_is_the_constrained_ridge_that_it_says() -> None:
    """Each column against the textbook: ridge regression on all other items, features as further rows."""
    evidence, rows = _five_items()

    weights = ease.Ease.fit(evidence).weights(np.arange(5))

    ridge = 2.0 + (rows[:9] ** 2).sum(axis=0)
    for target in range(5):
        others = [item for item in range(5) if item != target]
        gram = rows[:, others].T @ rows[:, others] + np.diag(ridge[others])
        expected = np.linalg.solve(gram, rows[:, others].T @ rows[:, target])
        np.testing.assert_allclose(weights[others, target], expected, atol=1e-6)
        assert weights[target, target] == 0


def test_of_two_fits_each_is_the_regression_under_its_own_ridge_and_both_weigh_the_same_in_sum() -> None:
    evidence, _ = _five_items()
    heavier = 4 * evidence.ridge
    senders, receivers = np.nonzero(~np.eye(5, dtype=np.bool_))

    both = ease.TwoFits.fit(evidence, heavier)

    many = ease.Ease.fit(evidence).weights(np.arange(5))
    few = ease.Ease.fit(replace(evidence, ridge=heavier)).weights(np.arange(5))
    few *= np.abs(many).sum() / np.abs(few).sum()
    np.testing.assert_allclose(both.weights(np.arange(5)), (many + few) / 2, atol=1e-6)
    np.testing.assert_allclose(both.of_many.between(senders, receivers), many[senders, receivers], atol=1e-6)
    np.testing.assert_allclose(both.scale * both.of_few.between(senders, receivers), few[senders, receivers], atol=1e-6)


def test_one_dropout_for_both_fits_makes_one_set_of_links() -> None:
    config = EngineConfig(ease=ease.EaseConfig(dropout=0.7, dropout_of_few=0.7))

    model = fit(worlds.ratings(), worlds.films(), worlds.equal_prior(), config)

    np.testing.assert_allclose(model.weights_of_few, model.links.weights, rtol=1e-6)


def test_links_of_films_that_few_have_rated_weigh_the_same_beside_every_history() -> None:
    model = fit(worlds.ratings(), worlds.films(), worlds.equal_prior())

    is_head = model.evidence >= EngineConfig().head_ratings
    within_head = np.repeat(is_head, np.diff(model.links.ends)) & is_head[model.links.columns]
    differs = model.weights_of_few != model.links.weights
    assert np.all(differs[within_head])
    assert not np.any(differs[~within_head])


@pytest.mark.parametrize("at_once", [0, 1, 4, len(worlds.SPACE), 13])
def test_films_that_no_regression_has_room_for_are_still_found_by_their_content(at_once: int) -> None:
    model = fit(worlds.ratings(), worlds.films(), worlds.equal_prior(), EngineConfig(at_once=at_once))

    before, after = _scores(model, History.of_actions()), _scores(model, History.liking(worlds.SPACE))
    gains = {film: after[film] - before[film] for film in worlds.FILMS}
    assert gains[worlds.UNSEEN_SPACE] > max(gains[worlds.UNSEEN_ROMANCE], 0)


def test_on_a_new_instance_facts_weigh_as_they_do_among_films_of_the_tail() -> None:
    nobody, films, prior = Interactions.empty(), worlds.films(), worlds.equal_prior()

    model, alone, heavier = (
        fit(nobody, films, prior, EngineConfig(content_weight=head, tail_content_weight=tail))
        for head, tail in ((15.0, 4.0), (4.0, 4.0), (15.0, 8.0))
    )

    np.testing.assert_allclose(model.links.weights, alone.links.weights, rtol=1e-5)
    assert not np.allclose(model.links.weights, heavier.links.weights, rtol=0.1)


def test_the_head_does_not_read_what_facts_weigh_in_the_tail() -> None:
    light, heavy = (
        fit(worlds.ratings(), worlds.films(), worlds.equal_prior(), EngineConfig(tail_content_weight=weight))
        for weight in (1.0, 30.0)
    )

    rated = light.rows_of(np.array([*worlds.SPACE, *worlds.ROMANCE]))
    of_light, of_heavy = (model.links.matrix(model.n_items).toarray() for model in (light, heavy))
    np.testing.assert_array_equal(of_light[rated], of_heavy[rated])
    assert not np.array_equal(of_light, of_heavy)


def test_a_film_with_few_ratings_is_linked_to_the_head_as_a_fit_with_it_alone_would() -> None:
    ratings = worlds.ratings()
    rare = Interactions.from_arrays([1, 2], [worlds.UNSEEN_SPACE] * 2, [5.0, 4.0])
    together, films = Interactions.together([ratings, rare]), worlds.films()

    model = fit(together, films, worlds.equal_prior())

    without_the_other = ItemFeatures(
        films.item_ids[films.item_ids != worlds.UNSEEN_ROMANCE],
        {name: matrix[films.item_ids != worlds.UNSEEN_ROMANCE] for name, matrix in films.fields.items()},
    )
    prior = np.full(without_the_other.n_items, 0.5, dtype=np.float32)
    exact = fit(together, without_the_other, prior, EngineConfig(head_ratings=1))
    links, expected = (
        each.links.matrix(each.n_items).toarray()[:, each.rows_of(np.array([worlds.UNSEEN_SPACE]))[0]][
            each.rows_of(np.array([*worlds.SPACE, *worlds.ROMANCE]))
        ]
        for each in (model, exact)
    )
    np.testing.assert_allclose(links, expected, atol=1e-6)


@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_the_inverse_is_whole_and_right_in_chunks(precision: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "CHUNK", 3)
    factor: NDArray[np.floating] = np.random.default_rng(1).random((8, 8)).astype(precision)
    matrix = factor @ factor.T + np.eye(8, dtype=precision)

    inverse = ease.inverse_of_symmetric(matrix.copy())

    np.testing.assert_allclose(inverse @ matrix, np.eye(8), atol=1e-4)


def test_a_matrix_without_an_inverse_is_refused() -> None:
    with pytest.raises(ValueError, match="positive definite"):
        ease.inverse_of_symmetric(-np.eye(2))
