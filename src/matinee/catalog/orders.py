"""Orders of all rows: unknown values last both ways, ties by ascending row, and so by ascending TMDb id."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matinee.catalog.film_table import FilmTable
from matinee.core.array_files import Room
from matinee.core.in_parts import Booleans, Keys, Rows, in_order, parts

WORD = 7
"""So many bytes of a title are in one number; its last byte says how many they are, WORD + 1 that more follow."""
READ_AT_ONCE = 5_000
FEW, MOST = 0.1, 20_000
"""The share of changed titles, and their number, up to which an old order is mended rather than made anew."""

Apart: TypeAlias = Callable[[Rows, Rows], Booleans]
"""(k,) whether each of k rows differs from its other row."""


def ascending(values: NDArray[Any], room: Room) -> Rows:
    """(n,) rows by ascending value, the unknown at the end: NaN, or the least of whole numbers."""

    def keys(rows: Rows, _depth: int) -> NDArray[Any]:
        of_rows = values[rows]
        if of_rows.dtype.kind == "f":
            return of_rows
        from_known = of_rows.astype(np.int64) - np.iinfo(of_rows.dtype).min - 1
        return from_known.view(np.uint64)  # of which the unknown is the largest

    return in_order(len(values), Keys(keys), room)


def known_in(values: NDArray[Any]) -> int:
    """How many of them are known."""
    if values.dtype.kind == "f":
        return sum(int(np.count_nonzero(~np.isnan(values[part]))) for part in parts(len(values)))
    unknown = np.iinfo(values.dtype).min
    return sum(int(np.count_nonzero(values[part] != unknown)) for part in parts(len(values)))


def tie_starts(order: Rows, apart: Apart, room: Room) -> Rows:
    """(k,) for each place of an `order` that of the first row which ties with its own."""
    starts = room(order.shape, order.dtype)
    for part in parts(len(order)):
        places = np.arange(part.start, part.stop, dtype=order.dtype)
        rows = order[part]
        begins = np.ones(len(rows), dtype=np.bool_)
        begins[1:] = apart(rows[1:], rows[:-1])
        first = 0
        if part.start > 0 and not apart(rows[:1], order[part.start - 1 : part.start])[0]:
            begins[0], first = False, starts[part.start - 1]
        starts[part] = np.maximum.accumulate(np.where(begins, places, np.int32(first)))
    return starts


def descending(order: Rows, starts: Rows, room: Room) -> Rows:
    """The opposite of an ascending `order`; `starts` (known,) are the ties of its rows whose value is known."""
    turned = room(order.shape, order.dtype)
    known = end = len(starts)
    for part in reversed([*parts(known)]):
        places = np.arange(part.start, part.stop, dtype=order.dtype)
        begun = np.where(starts[part] == places, places, np.int32(known))
        ends = np.minimum.accumulate(np.append(begun, np.int32(end))[::-1])[::-1]
        turned[known - ends[1:] + places - starts[part]] = order[part]
        end = ends[0]
    for part in parts(len(order) - known):
        unknown = slice(known + part.start, known + part.stop)
        turned[unknown] = order[unknown]
    return turned


def apart_in(values: NDArray[Any]) -> Apart:
    return lambda rows, others: values[rows] != values[others]


def apart_in_title(table: FilmTable) -> Apart:
    def apart(rows: Rows, others: Rows) -> Booleans:
        differ = np.zeros(len(rows), dtype=np.bool_)
        places, depth = np.arange(len(rows)), 0
        while len(places):
            words = _words(table, rows[places], depth)
            differ[places] = words != _words(table, others[places], depth)
            places, depth = places[~differ[places] & _go_on(words)], depth + 1
        return differ

    return apart


def by_title(table: FilmTable, room: Room) -> Rows:
    """(n,) rows by ascending title key.

    No title is an object of its own, of which a million would take more memory than all else that is built.
    """
    return in_order(table.size, Keys(lambda rows, depth: _words(table, rows, depth), _go_on), room)


def by_title_mended(table: FilmTable, old: FilmTable, old_order: Rows, changed: NDArray[np.int64], room: Room) -> Rows:
    """`by_title(table)`, made from the order of the `old` table, which differs in the films with `changed` TMDb ids,
    ascending."""
    new_rows: list[int] = []
    for part in parts(len(changed)):
        new_rows += np.searchsorted(table.tmdb_ids, changed[part])[_among(changed[part], table.tmdb_ids)].tolist()
    if len(new_rows) > min(FEW * table.size, MOST):
        return by_title(table, room)
    kept, end = room((table.size - len(new_rows),), np.int32), 0
    for part in parts(old.size):
        ids = old.tmdb_ids[old_order[part]]
        rows = np.searchsorted(table.tmdb_ids, ids[~_among(ids, changed)])
        kept[end : end + len(rows)] = rows
        end += len(rows)

    def key(row: int) -> tuple[bytes, int]:
        return table.title_key(row), row

    order, begun = room((table.size,), np.int32), 0
    for before, row in enumerate(sorted(new_rows, key=key)):
        place = bisect.bisect_left(kept, key(row), lo=begun, key=key)
        order[begun + before : place + before] = kept[begun:place]
        order[place + before] = row
        begun = place
    order[begun + len(new_rows) :] = kept[begun:]
    return order


def _among(ids: NDArray[np.int64], all_ids: NDArray[np.int64]) -> Booleans:
    """(k,) whether each is one of `all_ids`, which ascend."""
    if len(all_ids) == 0:
        return np.zeros(len(ids), dtype=np.bool_)
    places = np.minimum(np.searchsorted(all_ids, ids), len(all_ids) - 1)
    among: Booleans = all_ids[places] == ids
    return among


def _words(table: FilmTable, rows: Rows, depth: int) -> NDArray[np.uint64]:
    """(k,) of the title keys of `rows` word number `depth`, as numbers in the order of the bytes."""
    keys, begin = table.title_keys, depth * WORD
    words = np.zeros((len(rows), WORD + 1), dtype=np.uint8)
    for start in range(0, len(rows), READ_AT_ONCE):
        some = rows[start : start + READ_AT_ONCE]
        places = keys.offsets[some][:, np.newaxis] + begin + np.arange(WORD)
        ends = keys.offsets[some + 1][:, np.newaxis]
        is_there = places < ends
        of_some = words[start : start + READ_AT_ONCE]
        of_some[:, :WORD][is_there] = keys.values[places[is_there]]
        of_some[:, WORD] = np.minimum(ends[:, 0] - places[:, 0], WORD + 1)
    return words.view(">u8")[:, 0].astype(np.uint64)


def _go_on(words: NDArray[np.uint64]) -> Booleans:
    longer: Booleans = (words & np.uint64(0xFF)) > WORD
    return longer
