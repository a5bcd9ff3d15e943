"""Orders of all rows: unknown values last both ways, ties by ascending row, and so by ascending TMDb id."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.catalog.bitmaps import Rows
from matinee.catalog.film_table import FilmTable

WORD = 8
READ_AT_ONCE = 5_000
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
    starts = np.flatnonzero(begins_tie).astype(np.int32)
    tie = np.cumsum(begins_tie, dtype=np.int32) - 1
    ends = np.append(starts[1:], np.int32(known))
    places = known - (ends + starts)[tie] + np.arange(known, dtype=np.int32)
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
    begins = _differs(lengths)
    places, depth = np.flatnonzero(~begins), 0
    while len(places):
        differs = _words(table, order[places], depth) != _words(table, order[places - 1], depth)
        begins[places[differs]] = True
        depth += WORD
        places = places[~differs & (lengths[places] > depth)]
    return begins


def by_title(table: FilmTable) -> Rows:
    """(n,) rows by ascending title key.

    Eight bytes of all titles that are not apart yet, then the next eight: no title is an object of its own, of which a
    million would take more memory than all else that is built.
    """
    order = np.arange(table.size, dtype=np.int32)
    lengths = np.diff(table.title_keys.offsets)
    places, ties, depth = order.copy(), np.zeros(table.size, dtype=np.int32), 0
    while len(places):
        rows = order[places]
        words = _words(table, rows, depth)
        sorted_ = np.lexsort((rows, np.minimum(lengths[rows] - depth, WORD + 1), words, ties))
        order[places] = rows[sorted_]
        rows, words, ties = rows[sorted_], words[sorted_], ties[sorted_]
        is_longer = lengths[rows] - depth > WORD
        ties = np.cumsum(_differs(ties) | _differs(words) | ~is_longer, dtype=np.int32)
        is_tied = is_longer & (np.bincount(ties)[ties] > 1)
        places, ties, depth = places[is_tied], ties[is_tied], depth + WORD
    return order


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


def _words(table: FilmTable, rows: Rows, depth: int) -> NDArray[np.uint64]:
    """(k,) of the title keys of `rows` the eight bytes from `depth` on, as numbers in the order of the bytes."""
    keys = table.title_keys
    words = np.zeros((len(rows), WORD), dtype=np.uint8)
    for start in range(0, len(rows), READ_AT_ONCE):
        some = rows[start : start + READ_AT_ONCE]
        places = keys.offsets[some][:, np.newaxis] + depth + np.arange(WORD)
        is_there = places < keys.offsets[some + 1][:, np.newaxis]
        words[start : start + READ_AT_ONCE][is_there] = keys.values[places[is_there]]
    return words.view(">u8")[:, 0].astype(np.uint64)


def _differs(values: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) whether each is not the one before; the first is."""
    differs = np.ones(len(values), dtype=np.bool_)
    differs[1:] = values[1:] != values[:-1]
    return differs
