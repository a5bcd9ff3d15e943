from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from matinee.catalog.bitmaps import packed
from matinee.catalog.columns import Mask, refresh_columns
from matinee.recommendations import pool
from matinee.recommendations.pool import FEW_FILMS, Order, Pool, current_pool


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from((0, 1, 70, 3 * FEW_FILMS)),
    share=st.sampled_from((0.0, 0.01, 0.5, 1.0)),
    k=st.sampled_from((0, 1, 20, 500)),
)
def test_the_first_of_an_order_are_found_among_few_films_and_among_many(
    seed: int, size: int, share: float, k: int
) -> None:
    random = np.random.default_rng(seed)
    order = Order.of(random.permutation(size).astype(np.int32))
    member = random.random(size) < share

    found = order.first(k, Mask(packed(member), size))

    assert found.tolist() == [row for row in order.rows.tolist() if member[row]][:k]


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
