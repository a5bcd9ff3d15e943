from __future__ import annotations

import threading
import weakref
from typing import cast

import numpy as np
import pytest
from scipy import sparse

from matinee.accounts.models import User, new_state_version
from matinee.catalog.columns import columns, refresh_columns
from matinee.catalog.filters import EVERYTHING, MovieFilter
from matinee.engine.item_model import ItemModel
from matinee.engine.links import Links
from matinee.engine.signals import History
from matinee.library.history import PersonalHistory
from matinee.recommendations import pool, serving
from matinee.recommendations.pool import Pool, PublishedModel, build_pool, current_pool
from matinee.recommendations.rating_prediction import Critic, predict_rating
from matinee.recommendations.serving import Wishes, recommend_from
from matinee.recommendations.training import train
from tests.recommendations.conftest import ALL_FILMS, NOW, ROMANCE, SPACE, SPACE_FILMS, rate, recommended

NOBODY = cast("Critic", None)
"""Who has no stars to predict."""
LINKED = 0.1


@pytest.mark.usefixtures("model")
def test_threads_that_ask_at_once_share_one_pool() -> None:
    refresh_columns()
    pools: list[Pool] = []
    threads = [threading.Thread(target=lambda: pools.append(current_pool())) for _ in range(8)]

    with pool._building:  # so that all have seen that there is none before the first builds it
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()

    assert len(pools) == 8
    assert len({id(each) for each in pools}) == 1


@pytest.mark.usefixtures("no_collections", "model")
def test_a_pool_is_let_go_at_once_when_another_takes_its_place(alice: User) -> None:
    rate(alice, {SPACE_FILMS[0]: 5})
    alice.state_version = new_state_version()
    recommended(alice)
    predict_rating(user=alice, tmdb_id=SPACE_FILMS[1])
    before = weakref.ref(current_pool())

    train(now=NOW, force=True)
    current_pool()

    assert before() is None


def made_up_model(chance: np.random.Generator, *others: int) -> PublishedModel:
    """Of every second film of the cinema, and others; few are linked, to what they are liked with or disliked."""
    known = np.unique([*ALL_FILMS[::2], *others])
    n = len(known)
    linked = np.where(chance.random((n, n)) < LINKED, chance.standard_normal((n, n)), 0.0)
    links = Links.from_matrix(sparse.csr_matrix(linked.astype(np.float32)))
    model = ItemModel(
        item_ids=known,
        base=chance.standard_normal(n).astype(np.float32),
        lasting_base=chance.standard_normal(n).astype(np.float32),
        base_patience=2.0,
        base_beside_unknown=0.3,
        links=links,
        weights_of_few=links.weights[::-1].copy(),
        links_patience=3.0,
        evidence=np.ones(n, dtype=np.int32),
        expected_stars=np.full(n, 3.5, dtype=np.float32),
        vectors=links,
    )
    return PublishedModel("made up", model, {}, np.ones(n))


@pytest.mark.usefixtures("cinema")
@pytest.mark.parametrize("seed", range(10))
def test_to_look_at_promising_films_first_changes_no_ranking(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = np.random.default_rng(seed)
    monkeypatch.setattr(serving, "DEEPEST", int(chance.integers(1, 12)))
    monkeypatch.setattr(serving, "LARGE", 0)
    monkeypatch.setattr(pool, "BEHIND", 1.0)
    published, catalogue = made_up_model(chance), columns()
    whole = build_pool(catalogue, published)
    monkeypatch.setattr(pool, "FIRST_FILMS", int(chance.integers(1, 20)))
    in_part = build_pool(catalogue, published)
    mine = PersonalHistory(favorites=tuple(chance.choice(ALL_FILMS, 5, replace=False).tolist()))
    asked = [EVERYTHING, MovieFilter(all_genres=(SPACE,)), MovieFilter(any_genres=(SPACE, ROMANCE))]

    rankings = [[recommend_from(mine, Wishes(one), laid, NOBODY) for one in asked] for laid in (whole, in_part)]

    for all_looked_at, some_looked_at in zip(*rankings, strict=True):
        assert some_looked_at.tmdb_ids.tolist() == all_looked_at.tmdb_ids.tolist()
        assert some_looked_at.scores.tolist() == all_looked_at.scores.tolist()
    assert len(in_part.first) < len(whole.first) == len(ALL_FILMS)


@pytest.mark.usefixtures("cinema")
@pytest.mark.parametrize("seed", range(5))
def test_films_that_the_catalogue_has_lost_or_the_model_not_met_change_nothing_for_the_others(seed: int) -> None:
    lost, unmet = (1, 155, 9_000), ALL_FILMS[1::2]
    published = made_up_model(np.random.default_rng(seed), *lost)
    mine = PersonalHistory(favorites=tuple(sorted([*ALL_FILMS[:8], 155, 9_000])))
    history = History.of_actions(favorites=mine.favorites)
    model = published.model
    scores = dict(zip(model.item_ids.tolist(), model.score_all(history).tolist(), strict=True))

    picks = recommend_from(mine, Wishes(EVERYTHING), build_pool(columns(), published), NOBODY).page(0, 500)

    assert {pick.tmdb_id for pick in picks} == set(ALL_FILMS) - {*mine.favorites}
    for pick in picks:
        if pick.tmdb_id in unmet:
            assert not pick.because
            continue
        gains = model.contributions(history, model.rows_of(np.array([pick.tmdb_id]))).ravel().clip(min=0)
        shares = dict(zip(history.item_ids.tolist(), (gains / (gains.sum() or 1)).tolist(), strict=True))
        assert pick.score == pytest.approx(scores[pick.tmdb_id], rel=1e-5, abs=1e-6)
        assert dict(pick.because) == pytest.approx({tmdb_id: shares[tmdb_id] for tmdb_id, _ in pick.because})
        assert len(pick.because) == min(5, np.count_nonzero(gains))
