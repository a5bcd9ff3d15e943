"""Orders of all rows: unknown values last both ways, ties by ascending row, and so by ascending TMDb id."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.catalog.bitmaps import Rows
from matinee.catalog.film_table import FilmTable

FEW = 0.1
"""The share of changed titles up to which an old order is mended rather than made anew."""


def ascending(values: NDArray[Any], known: NDArray[np.bool_]) -> Rows:
    """(n,) rows by ascending value, the unknown at the end."""
    rows = np.flatnonzero(known)
    order = rows[np.argsort(values[rows], kind="stable")]
    return np.concatenate([order, np.flatnonzero(~known)]).astype(np.int32)


def descending(order: Rows, begins_tie: NDArray[np.bool_]) -> Rows:
    """The opposite of an ascending `order`. `begins_tie` (known,): the value is not that of the row before."""
    known = len(begins_tie)
    starts = np.flatnonzero(begins_tie)
    tie = np.cumsum(begins_tie) - 1
    ends = np.append(starts[1:], known)
    places = known - ends[tie] + np.arange(known) - starts[tie]
    turned = order.copy()
    turned[places] = order[:known]
    return turned


def ties_of_values(values: NDArray[Any], order: Rows, known: int) -> NDArray[np.bool_]:
    in_order = values[order[:known]]
    begins = np.ones(known, dtype=np.bool_)
    begins[1:] = in_order[1:] != in_order[:-1]
    return begins


def ties_of_titles(table: FilmTable, order: Rows) -> NDArray[np.bool_]:
    lengths = np.diff(table.title_keys.offsets)[order]
    begins = np.ones(len(order), dtype=np.bool_)
    for place in (np.flatnonzero(lengths[1:] == lengths[:-1]) + 1).tolist():
        begins[place] = table.title_key(order[place]) != table.title_key(order[place - 1])
    return begins


def by_title(table: FilmTable) -> Rows:
    """(n,) rows by ascending title key."""
    keys = [table.title_key(row) for row in range(table.size)]
    return np.array(sorted(range(table.size), key=keys.__getitem__), dtype=np.int32)


def by_title_mended(table: FilmTable, old: FilmTable, old_order: Rows, changed: NDArray[np.int64]) -> Rows:
    """`by_title(table)`, made from the order of the `old` table, which differs in the films with `changed` TMDb ids."""
    new_rows = np.flatnonzero(np.isin(table.tmdb_ids, changed))
    if len(new_rows) > FEW * table.size:
        return by_title(table)
    stays = ~np.isin(old.tmdb_ids, changed)
    kept = np.searchsorted(table.tmdb_ids, old.tmdb_ids[old_order[stays[old_order]]]).astype(np.int32)

    def key(row: int) -> tuple[bytes, int]:
        return table.title_key(row), row

    inserted = sorted(new_rows.tolist(), key=key)
    places = [bisect.bisect_left(kept, key(row), key=key) for row in inserted]
    return np.insert(kept, places, inserted).astype(np.int32)


def ranks(order: Rows) -> Rows:
    """(n,) the place of each row in `order`."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order), dtype=order.dtype)
    return places
