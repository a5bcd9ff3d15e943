"""A cache within one process: what it worked out before and may be asked for again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """An LRU cache bounded by the weight of all its values together. Safe between threads.

    Where a value stands under a version, the last one that was kept takes the place of those before, so that they do
    not fill the room until it is needed.
    """

    def __init__(self, at_most: int, weight: Callable[[Value], int]) -> None:
        """`weight` is above 0, in a unit of the caller's, which `at_most` is in, too."""
        self._values: LRUCache[Hashable, tuple[Hashable, Value]] = LRUCache(at_most, lambda kept: weight(kept[1]))
        self._one_at_a_time = threading.Lock()

    def get(self, key: Hashable, version: Hashable = None) -> Value | None:
        """None, too, where it was kept under another version."""
        with self._one_at_a_time:
            kept = self._values.get(key)
        return kept[1] if kept is not None and kept[0] == version else None

    def keep(self, key: Hashable, value: Value, version: Hashable = None) -> None:
        """For a while; one that alone is too heavy is not kept."""
        if self._values.getsizeof((version, value)) <= self._values.maxsize:
            with self._one_at_a_time:
                self._values[key] = version, value
