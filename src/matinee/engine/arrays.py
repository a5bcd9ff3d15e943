"""The kinds of array that the engine speaks of, and the checks at its border."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ids: TypeAlias = NDArray[np.int64]
"""Identifiers of the outer world: TMDb ids, or minus a MovieLens id where no TMDb id is known."""

Rows: TypeAlias = NDArray[np.int32]
"""Places in an array of ids."""

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


def as_ids(values: ArrayLike) -> Ids:
    """One dimension of int64. Raises ValueError where a value is not a whole number."""
    array = np.asarray(values)
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"Ids are one row of whole numbers, not {array.dtype} of shape {array.shape}.")
    return array.astype(np.int64)


def rows_of(ids: Ids, wanted: Ids) -> Rows:
    """Where each of `wanted` stands in the sorted `ids`, and -1 where it does not."""
    if len(ids) == 0:
        return np.full(len(wanted), -1, dtype=np.int32)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[places] == wanted, places, -1).astype(np.int32)


def last_of_each(ids: Ids) -> Ids:
    """The place of the last of each id, by ascending id."""
    if is_ascending(ids):
        return np.arange(len(ids))
    order = np.argsort(ids, kind="stable")
    ascending = ids[order]
    is_last = np.ones(len(ids), dtype=np.bool_)
    is_last[:-1] = ascending[1:] != ascending[:-1]
    return order[is_last]


def is_ascending(values: NDArray[Any]) -> bool:
    """Sorted, each value once."""
    return bool(np.all(values[1:] > values[:-1]))
