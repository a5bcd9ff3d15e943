from __future__ import annotations

import numpy as np
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
