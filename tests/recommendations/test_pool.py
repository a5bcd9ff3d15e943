from __future__ import annotations

import threading

import pytest

from matinee.catalog.columns import refresh_columns
from matinee.recommendations import pool
from matinee.recommendations.pool import Pool, current_pool


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
