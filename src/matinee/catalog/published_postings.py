"""The newest postings of this process, and the job that keeps them true to the rows, as `columns` does for its own.

They are large where there are many films, so that a version serves in proportion to its size before the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from matinee.catalog import outbox
from matinee.catalog.postings import LAYOUT, Postings, read_postings
from matinee.catalog.unpublished import Unpublished
from matinee.core.depot import unless_away
from matinee.core.in_service import ArtifactKind

KIND = f"postings-{LAYOUT}"
REBUILT_FROM_FILMS = 20_000
"""Where more films than this have changed, all are read anew."""
SECONDS_A_PAIR = 5e-6
"""How long a version serves before the next one, for each pair in it: two minutes at 24 million."""


def postings() -> Postings:
    """The newest version that this process sees; made of the rows while none is published."""
    return _unpublished(settings.ARTIFACTS_DIR).unless(_kind(settings.ARTIFACTS_DIR).latest.get())


@unless_away
def refresh_postings() -> None:
    """Take in every change that is pending, and publish a version if any made a difference."""
    kind = _kind(settings.ARTIFACTS_DIR)
    with outbox.taking_in(kind) as (previous, changed):
        if previous is None or len(changed) > REBUILT_FROM_FILMS:
            _publish(kind, read_postings())
        elif changed:
            arrays = previous.patched(changed)
            if not _same(arrays, previous.arrays()):
                _publish(kind, arrays)


def postings_are_stale() -> bool:
    """Whether it is time for `refresh_postings`: two indexed queries at most."""
    kind = _kind(settings.ARTIFACTS_DIR)
    serving = kind.latest.get()
    if serving is None or not outbox.is_named(kind):
        return True
    old_enough = kind.store.age() >= SECONDS_A_PAIR * serving.pairs
    return old_enough and outbox.has_changes(KIND)


@lru_cache(maxsize=2)
def _kind(root: Path) -> ArtifactKind[Postings]:
    """What this process holds of one artifacts directory."""
    return ArtifactKind(root, KIND, layout=LAYOUT, view=lambda made: Postings(made.version, made.arrays))


@lru_cache(maxsize=2)
def _unpublished(_root: Path) -> Unpublished[Postings]:
    return Unpublished(KIND, read_postings, Postings)


def _publish(kind: ArtifactKind[Postings], arrays: Mapping[str, NDArray[Any]]) -> None:
    kind.store.publish(arrays, {"layout": LAYOUT})


def _same(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)
