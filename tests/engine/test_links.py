from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from matinee.engine.links import Links


@given(
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=8) | st.lists(st.just(3), min_size=1, max_size=8),
    data=st.data(),
)
def test_rows_are_gathered_as_they_were_put_in_whatever_their_lengths(lengths: list[int], data: st.DataObject) -> None:
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns = np.concatenate([np.arange(length) for length in lengths])
    weights = np.arange(1, len(rows) + 1)
    links = Links.from_matrix(sparse.csr_matrix((weights, (rows, columns)), shape=(len(lengths), 4)))
    wanted = data.draw(st.lists(st.sampled_from(range(len(lengths)))))

    counts, found, values = links.gather(np.array(wanted, dtype=np.int32))

    assert counts.tolist() == [lengths[row] for row in wanted]
    assert found.tolist() == [column for row in wanted for column in range(lengths[row])]
    assert values.tolist() == [float(weight) for row in wanted for weight in weights[rows == row]]


@pytest.mark.parametrize(
    ("ends", "columns"),
    [([], []), ([[0, 1]], [0]), ([0, 2], [0]), ([1, 1], [0]), ([0, 2, 1], [0]), ([0, 1], [-1])],
    ids=["no rows", "two dimensions", "too few", "a start of their own", "a row below nothing", "a column below 0"],
)
def test_what_is_no_matrix_is_refused(ends: list[int], columns: list[int]) -> None:
    with pytest.raises(ValueError, match="link"):
        Links(np.array(ends, np.int64), np.array(columns, np.int32), np.ones(len(columns), np.float32))
