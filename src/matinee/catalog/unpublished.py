"""What is made of the rows while no version is published, and kept until a film changes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from matinee.catalog.models import ChangeConsumer, MovieChange

VIEW = TypeVar("VIEW")


class Unpublished(Generic[VIEW]):
    """A projection made from the rows and kept in this process. Each look costs a query, to see whether a film has
    changed: good enough for a small catalogue or the first minute, until a version is published."""

    def __init__(
        self,
        consumer: str,
        read: Callable[[], Mapping[str, NDArray[Any]]],
        view: Callable[[str, Mapping[str, NDArray[Any]]], VIEW],
    ) -> None:
        self._consumer = consumer
        self._read = read
        self._view = view
        self._lock = threading.Lock()
        self._made_at: int | None = None
        self._value: VIEW | None = None

    def get(self) -> VIEW:
        newest = MovieChange.objects.filter(consumer=OuterRef("name")).order_by("-id").values("id")[:1]
        consumer = ChangeConsumer.objects.filter(name=self._consumer)
        newest_change = consumer.values_list(Coalesce(Subquery(newest), 0), flat=True).first()
        with self._lock:
            if self._value is None or newest_change is None or newest_change != self._made_at:
                self._value = self._view(f"unpublished-{uuid.uuid4().hex[:12]}", self._read())
                self._made_at = newest_change
            return self._value

    def unless(self, published: VIEW | None) -> VIEW:
        """`published`, or what is made of the rows while there is none."""
        if published is None:
            return self.get()
        self._value = None
        return published
