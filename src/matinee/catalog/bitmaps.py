"""Sets of rows as packed bits: row r is bit r % 64 of word r // 64. Bits past the last row are always 0."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matinee.core.array_files import Room
from matinee.core.in_parts import Rows, parts

Words: TypeAlias = NDArray[np.uint64]
"""(ceil(n / 64),) of one set, or (k, ceil(n / 64)) of k sets."""

CHECKPOINTS = 64


@dataclass(frozen=True)
class Mask:
    """A set of rows out of `size`."""

    words: Words
    size: int

    def count(self) -> int:
        return int(np.bitwise_count(self.words).sum(dtype=np.int64))

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        """For each of `rows` (any shape) whether it is in the set; -1, the row of what is absent, never is."""
        if self.size == 0:
            return np.zeros(rows.shape, dtype=np.bool_)
        bits = (self.words[rows >> 6] >> (rows & 63).astype(np.uint64)) & np.uint64(1)
        held: NDArray[np.bool_] = bits.astype(np.bool_) & (rows >= 0)
        return held

    def rows(self) -> Rows:
        """The rows of the set, ascending."""
        return np.flatnonzero(self.dense()).astype(np.int32)

    def dense(self) -> NDArray[np.bool_]:
        """(size,) one boolean a row."""
        return np.unpackbits(self.words.view(np.uint8), count=self.size, bitorder="little").view(np.bool_)


def word_count(size: int) -> int:
    return (size + 63) // 64


def words_of(rows: NDArray[Any], size: int) -> Words:
    """The set of `rows`, each of them 0 to size - 1."""
    member = np.zeros(size, dtype=np.bool_)
    member[rows] = True
    return packed(member)


def packed(member: NDArray[np.bool_]) -> Words:
    """(n,) booleans as words."""
    octets = np.zeros(word_count(len(member)) * 8, dtype=np.uint8)
    octets[: (len(member) + 7) // 8] = np.packbits(member, bitorder="little")
    return octets.view("<u8")


def all_rows(size: int) -> Words:
    return packed(np.ones(size, dtype=np.bool_))


def words_in(rows: slice) -> slice:
    """The words of these rows, which begin with one of them."""
    return slice(rows.start // 64, word_count(rows.stop))


def checkpoints_of(known: Rows, size: int, room: Room) -> Words:
    """What RangeBitmaps reads: the sets of the first 0, s, 2s, … rows of `known`, and last that of all of them."""
    stretches = [*_stretches(len(known))]
    sets = room((1 + len(stretches), word_count(size)), np.uint64)
    for number, (start, stop) in enumerate(stretches, 1):
        sets[number] = sets[number - 1]
        for part in parts(stop, start):
            _flip(sets[number], known[part])
    return sets


class RangeBitmaps:
    """Exact sets of the rows whose value lies between two bounds, from few stored ones.

    `values` (n,); `order` (n,) its rows by ascending value, the unknown at the end; `checkpoints` of that order. A set
    of the first k rows is the nearest checkpoint with the rows between flipped, at most one in 128.
    """

    def __init__(self, values: NDArray[Any], order: Rows, checkpoints: Words) -> None:
        self._values = values
        self._order = order
        self._checkpoints = checkpoints
        self._known = int(np.bitwise_count(checkpoints[-1]).sum(dtype=np.int64))

    def between(self, low: float | None, high: float | None) -> Words:
        """The rows with low <= value <= high; None bounds nothing. An unknown value is never in it."""
        start = 0 if low is None else bisect.bisect_left(self._order, low, hi=self._known, key=self._value)
        stop = self._known if high is None else bisect.bisect_right(self._order, high, hi=self._known, key=self._value)
        return self._first(max(start, stop)) ^ self._first(start)

    def _value(self, row: int) -> Any:
        return self._values[row]

    def _first(self, count: int) -> Words:
        step = _step(self._known)
        nearest = min(round(count / step), len(self._checkpoints) - 1)
        words: Words = self._checkpoints[nearest].copy()
        reached = min(nearest * step, self._known)
        _flip(words, self._order[min(count, reached) : max(count, reached)])
        return words


def _flip(words: Words, rows: Rows) -> None:
    np.bitwise_xor.at(words, rows >> 6, np.uint64(1) << (rows & 63).astype(np.uint64))


def _step(known: int) -> int:
    return max(1, -(-known // CHECKPOINTS))


def _stretches(known: int) -> Iterator[tuple[int, int]]:
    step = _step(known)
    return ((start, min(start + step, known)) for start in range(0, known, step))
