"""Long arrays a part at a time, and put in order so: what is in memory does not grow with how long they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matinee.core.array_files import Room

Rows: TypeAlias = NDArray[np.int32]
Booleans: TypeAlias = NDArray[np.bool_]

PART = 2**15
"""So many rows are in memory at once; as bits they are whole words."""
EDGES = 63
"""At most so many keys part rows that are too many: at a million films 16,000 lie between two of them."""
SAMPLED = 16 * EDGES


def parts(stop: int, start: int = 0) -> Iterator[slice]:
    """From `start` to before `stop`, PART rows each and the last one of fewer."""
    return (slice(first, min(first + PART, stop)) for first in range(start, stop, PART))


def _none(keys: NDArray[Any]) -> Booleans:
    return np.zeros(len(keys), dtype=np.bool_)


@dataclass(frozen=True)
class Keys:
    """What rows are put in order by."""

    of: Callable[[Rows, int], NDArray[Any]]
    """(k,) the keys of k rows at a depth; NaN comes last."""
    go_on: Callable[[NDArray[Any]], Booleans] = _none
    """(k,) whether rows that are alike in a key differ, maybe, in the one a level deeper."""


def in_order(size: int, keys: Keys, room: Room) -> Rows:
    """(size,) the rows by ascending key, those of equal keys ascending.

    Too many are parted by some of their keys, written one part after another, until each is small enough to be sorted
    in memory, or all of one key.
    """
    order = room((size,), np.int32)
    for part in parts(size):
        order[part] = np.arange(part.start, part.stop)
    aside = room((size if size > PART else 0,), np.int32)
    waiting = [(0, size, 0)]
    while waiting:
        start, stop, depth = waiting.pop()
        rows = order[start:stop]
        if len(rows) <= PART:
            rows[:] = _sorted(rows, keys, depth)
        else:
            apart = _parted(rows, aside[start:stop], keys, depth)
            waiting += ((start + first, start + last, deeper) for first, last, deeper in apart)
    return order


def ranks(order: Rows, room: Room) -> Rows:
    """(n,) the place of each row in `order`."""
    places = room(order.shape, order.dtype)
    for part in parts(len(order)):
        places[order[part]] = np.arange(part.start, part.stop)
    return places


def differs(values: NDArray[Any]) -> Booleans:
    """(n,) whether each is not the one before; the first is."""
    differs = np.ones(len(values), dtype=np.bool_)
    differs[1:] = values[1:] != values[:-1]
    return differs


def _sorted(rows: Rows, keys: Keys, depth: int) -> Rows:
    """`rows`, which ascend where they are alike so far, in order from `depth` on: those that are not apart yet by the
    next key, until all are."""
    rows, places, ties = rows.copy(), np.arange(len(rows)), np.zeros(len(rows), dtype=np.int32)
    while len(places):
        some = rows[places]
        of_some = keys.of(some, depth)
        sorted_ = np.lexsort((of_some, ties))
        rows[places] = some[sorted_]
        of_some, ties = of_some[sorted_], ties[sorted_]
        goes_on = keys.go_on(of_some)
        ties = np.cumsum(differs(ties) | differs(of_some) | ~goes_on, dtype=np.int32)
        is_tied = goes_on & (np.bincount(ties)[ties] > 1)
        places, ties, depth = places[is_tied], ties[is_tied], depth + 1
    return rows


def _parted(rows: Rows, aside: Rows, keys: Keys, depth: int) -> list[tuple[int, int, int]]:
    """Write `rows` anew in parts: those below the first of some edges, those at it, those between it and the next, and
    so on, each in the order they had. Returns (start, stop, depth) of the parts that are not in order yet.

    `aside` is as long as `rows`, for them to be read from meanwhile.
    """
    sample = np.random.default_rng(0).integers(0, len(rows), SAMPLED)
    edges = np.unique(np.sort(keys.of(rows[sample], depth))[SAMPLED // EDGES // 2 :: SAMPLED // EDGES])
    counts = np.zeros(2 * len(edges) + 1, dtype=np.int64)
    for part in parts(len(rows)):
        aside[part] = rows[part]
        counts += np.bincount(_numbers(keys.of(rows[part], depth), edges), minlength=len(counts))
    stops = np.cumsum(counts)
    places = stops - counts
    for part in parts(len(rows)):
        some = aside[part]
        numbers = _numbers(keys.of(some, depth), edges)
        together = np.argsort(numbers, kind="stable")
        here = np.bincount(numbers, minlength=len(counts))
        shift = places - (np.cumsum(here) - here)
        rows[shift[numbers[together]] + np.arange(len(some))] = some[together]
        places += here
    deeper = np.zeros(len(counts), dtype=np.int64)
    deeper[1::2] = 1
    is_left = counts > 1
    is_left[1::2] &= keys.go_on(edges)
    starts = stops - counts
    return [
        (int(starts[number]), int(stops[number]), depth + int(deeper[number])) for number in np.flatnonzero(is_left)
    ]


def _numbers(keys: NDArray[Any], edges: NDArray[Any]) -> NDArray[np.uint8]:
    """(k,) in which part each belongs: 2i before edge i, and after the one before it; 2i + 1 at edge i."""
    return (np.searchsorted(edges, keys) + np.searchsorted(edges, keys, side="right")).astype(np.uint8)
