"""The newest catalogue columns of this process, and the job that keeps them true to the rows.

The database writes one MovieChange for every changed film. `refresh_columns` reads those films again, publishes a
version and deletes the changes that it holds, within seconds. Until then lists filter and sort by the film as it was
and show its row as it is; one that is gone is left out of its page, and counted a moment longer; a new one is not
listed yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from matinee.catalog import orders, outbox
from matinee.catalog.film_table import FilmTable, films_by_id, joined, written
from matinee.catalog.models import Movie
from matinee.catalog.projection import LAYOUT, CatalogColumns, projected
from matinee.catalog.published_postings import postings
from matinee.catalog.unpublished import Unpublished
from matinee.core.array_files import Room, room_in, room_in_memory
from matinee.core.artifacts import ArtifactStore
from matinee.core.depot import unless_away
from matinee.core.in_parts import parts
from matinee.core.in_service import ArtifactKind

KIND = f"catalogue-{LAYOUT}"
REBUILT_FROM_SHARE = 0.5
"""Where more than this share of all films has changed, all are read anew."""
SECONDS_A_FILM = 0.000_02
"""How long a version serves before the schedule makes the next one, for each film in it: half a second at 25,000, 20 s
at a million. Publishing takes less than a fifth of that, so that films which change all the time fill no core."""


def columns() -> CatalogColumns:
    """The newest version that this process sees; a request takes it once and works on it.

    Where none is published yet, it is made of the rows and kept while they do not change, at the price of a query each
    time. That fits a small catalogue or a first minute: who loads films calls `refresh_columns` at the end.
    """
    return _unpublished(settings.ARTIFACTS_DIR).unless(_kind(settings.ARTIFACTS_DIR).latest.get())


@unless_away
def refresh_columns() -> None:
    """Take in every change that is pending, and publish a version if any made a difference."""
    kind = _kind(settings.ARTIFACTS_DIR)
    with outbox.taking_in(kind) as (previous, changed):
        if previous is None:
            _publish_anew(kind.store)
        elif changed:
            _take_in(kind.store, previous, changed)


def columns_are_stale() -> bool:
    """Whether `refresh_columns` has something to do: one indexed query at most."""
    return outbox.is_behind(_kind(settings.ARTIFACTS_DIR))


def refresh_is_due() -> bool:
    """Whether it is time for the schedule to run `refresh_columns`."""
    kind = _kind(settings.ARTIFACTS_DIR)
    serving = kind.latest.get()
    is_young = serving is not None and kind.is_younger_than(SECONDS_A_FILM * serving.size)
    return not is_young and columns_are_stale()


@lru_cache(maxsize=2)
def _kind(root: Path) -> ArtifactKind[CatalogColumns]:
    """What this process holds of one artifacts directory."""
    return ArtifactKind(root, KIND, layout=LAYOUT, view=lambda made: _view(made.version, made.arrays))


@lru_cache(maxsize=2)
def _unpublished(_root: Path) -> Unpublished[CatalogColumns]:
    return Unpublished(KIND, _read, _view)


def _view(version: str, arrays: Mapping[str, NDArray[Any]]) -> CatalogColumns:
    return CatalogColumns(version, arrays, postings)


def _read() -> dict[str, NDArray[Any]]:
    table = joined([*films_by_id(Movie.objects.all())])
    return dict(projected(table, orders.by_title(table, room_in_memory), room_in_memory))


def _take_in(store: ArtifactStore, previous: CatalogColumns, changed: Sequence[int]) -> None:
    if len(changed) > REBUILT_FROM_SHARE * previous.size:
        _publish_anew(store)
        return
    table, room = written(previous.table.patched(changed), store.directory), room_in(store.directory)
    if not _same(table, previous.table):
        ids = np.asarray(changed, dtype=np.int64)
        _publish(store, table, orders.by_title_mended(table, previous.table, previous.title_order, ids, room), room)


def _publish_anew(store: ArtifactStore) -> None:
    table, room = written(films_by_id(Movie.objects.all()), store.directory), room_in(store.directory)
    _publish(store, table, orders.by_title(table, room), room)


def _publish(store: ArtifactStore, table: FilmTable, title_order: NDArray[np.int32], room: Room) -> None:
    store.publish(projected(table, title_order, room), {"layout": LAYOUT, "films": table.size})


def _same(one: FilmTable, other: FilmTable) -> bool:
    ours, theirs = one.arrays(), other.arrays()
    return all(_equal(ours[name].view(np.uint8), theirs[name].view(np.uint8)) for name in ours)


def _equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return len(one) == len(other) and all(np.array_equal(one[part], other[part]) for part in parts(len(one)))
