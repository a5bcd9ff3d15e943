"""Projections of several layouts beside each other, as during an upgrade, and the end of those that nobody wants.

The layout is part of a projection's name, as kind of artifact and as consumer of the outbox, so that each program keeps
and reads its own. Each says every hour which it wants; what no program has wanted for a day is forgotten. A program
that comes back after that finds no version named, and makes its projections anew of the rows.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time

from django.conf import settings

from matinee.catalog import cards, columns, outbox, published_postings
from matinee.core.artifacts import ArtifactStore, stored_kinds
from matinee.core.depot import Depot
from matinee.search import index

PROJECTIONS = (columns.KIND, cards.KIND, published_postings.KIND, index.KIND)
"""Those of this program. The database names a version of each."""
KEPT_FOR = dt.timedelta(days=1)
_NAMES = {kind.rpartition("-")[0] for kind in PROJECTIONS}


def is_projection(kind: str) -> bool:
    """Of whichever layout; before the layout was part of it, the name stood alone."""
    name, _, layout = kind.partition("-")
    return name in _NAMES and (not layout or layout.isdecimal())


def forget_unwanted() -> None:
    """Have changes kept for those alone that a program has wanted lately, and remove what others left here."""
    outbox.want(PROJECTIONS)
    outbox.forget_unwanted(for_long=KEPT_FOR)
    remove_unwanted_here()


def remove_unwanted_here() -> None:
    kept = outbox.consumers()
    for kind in stored_kinds(settings.ARTIFACTS_DIR):
        store = ArtifactStore(settings.ARTIFACTS_DIR, kind)
        is_old = time.time() - store.published_at() > KEPT_FOR.total_seconds()
        if is_projection(kind) and kind not in {*PROJECTIONS, *kept} and is_old:
            shutil.rmtree(store.directory, ignore_errors=True)


def remove_unwanted_from(depot: Depot) -> None:
    """Raises DepotAway."""
    kept = outbox.consumers()
    for kind in depot.versions():
        if is_projection(kind) and kind not in {*PROJECTIONS, *kept}:
            depot.remove(kind)
