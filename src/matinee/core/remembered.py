"""A cache within one process: what it worked out before and may be asked for again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """An LRU cache bounded by the weight of all its values together. Safe between threads."""

    def __init__(self, at_most: int, weight: Callable[[Value], int]) -> None:
        """`weight` is above 0, in a unit of the caller's, which `at_most` is in, too."""
        self._values: LRUCache[Hashable, Value] = LRUCache(at_most, getsizeof=weight)
        self._one_at_a_time = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        with self._one_at_a_time:
            return self._values.get(key)

    def keep(self, key: Hashable, value: Value) -> None:
        """For a while; one that alone is too heavy is not kept."""
        if self._values.getsizeof(value) <= self._values.maxsize:
            with self._one_at_a_time:
                self._values[key] = value
