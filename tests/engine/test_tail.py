from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from matinee.engine.arrays import Doubles, Flags
from matinee.engine.ease import Ease, EaseConfig
from matinee.engine.pairs import Evidence, RowPairs
from matinee.engine.tail import TailLinks, tail_links

CONFIG = EaseConfig(l2=2.0, l2_growth=0.0, dropout=0.3)
N_HEAD, N_TAIL = 5, 4


def _evidence(seed: int) -> tuple[Doubles, Doubles]:
    """(9, 9) ratings and (9, 3) facts of the head's items, then the tail's."""
    random = np.random.default_rng(seed)
    ratings = random.integers(0, 2, (9, N_HEAD + N_TAIL)).astype(np.float64)
    return ratings, random.random((N_HEAD + N_TAIL, 3))


def _of(ratings: Doubles, facts: Doubles, items: list[int]) -> Evidence:
    ridge = CONFIG.ridge(len(ratings), (ratings**2).sum(axis=0), CONFIG.dropout)
    pairs, everything = RowPairs(sparse.csr_matrix(ratings)), np.arange(N_HEAD + N_TAIL)
    return Evidence(pairs, everything, sparse.csr_matrix(facts), ridge).of(np.array(items))


def _linked(ratings: Doubles, facts: Doubles, *, bar: float = 0.0, is_scored: Flags | None = None) -> TailLinks:
    head, tail = list(range(N_HEAD)), list(range(N_HEAD, N_HEAD + N_TAIL))
    of_head = _of(ratings, facts, head)
    return tail_links(
        Ease.fit(of_head),
        of_head,
        _of(ratings, facts, tail),
        bars=np.full(N_HEAD, bar, dtype=np.float32),
        is_scored=np.ones(N_HEAD, dtype=np.bool_) if is_scored is None else is_scored,
        count=N_HEAD,
    )


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), place=st.integers(0, N_TAIL - 1))
def test_an_item_of_the_tail_is_linked_as_a_fit_of_the_head_and_it_alone_would(seed: int, place: int) -> None:
    ratings, facts = _evidence(seed)
    with_it = _of(ratings, facts, [*range(N_HEAD), N_HEAD + place])

    links = _linked(ratings, facts)

    weights = Ease.fit(with_it).weights(np.arange(N_HEAD + 1))
    np.testing.assert_allclose(links.from_head.toarray()[:, place], weights[:N_HEAD, N_HEAD], atol=1e-5)
    np.testing.assert_allclose(links.from_tail.toarray()[place], weights[N_HEAD, :N_HEAD], atol=1e-5)


def test_a_link_from_the_head_must_pass_its_bar() -> None:
    ratings, facts = _evidence(1)
    every = _linked(ratings, facts).from_head.toarray()
    bar = float(np.median(np.abs(every)))

    kept = _linked(ratings, facts, bar=bar).from_head.toarray()

    np.testing.assert_array_equal(kept, np.where(np.abs(every) > bar, every, 0))


def test_what_is_never_scored_gets_no_link() -> None:
    ratings, facts = _evidence(2)

    links = _linked(ratings, facts, is_scored=np.array([True, False, True, True, False]))

    assert links.from_tail.toarray()[:, [1, 4]].tolist() == [[0, 0]] * N_TAIL


@pytest.mark.parametrize("copies", [1, 2])
def test_a_double_of_a_film_of_the_head_is_no_reason_to_divide_by_nothing(copies: int) -> None:
    ratings, facts = _evidence(3)
    ratings[:, N_HEAD:] = copies * ratings[:, :1]
    facts[N_HEAD:] = copies * facts[:1]

    links = _linked(ratings, facts)

    assert np.all(np.isfinite(links.from_tail.data))
    assert np.all(np.isfinite(links.from_head.data))
