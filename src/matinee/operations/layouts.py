"""Artifacts of several layouts beside each other, as during an upgrade, and the end of those that nobody wants.

The layout is part of a projection's name, both as a kind of artifact and as a consumer of the outbox, and of a model's
name, so that each program keeps and reads its own. Every hour each program notes which it uses; what none has used for
a day is removed. A program that comes back after that finds no version of its projections named, and makes them anew
from the rows; where it finds no model it trains one.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import time
from collections.abc import Collection

from django.conf import settings

from matinee.catalog import cards, columns, outbox, published_postings
from matinee.core.artifacts import ArtifactStore, stored_kinds
from matinee.core.depot import Depot
from matinee.recommendations.freshness import MODEL_KIND, REFUSAL_KIND
from matinee.search import index

PROJECTIONS = (columns.KIND, cards.KIND, published_postings.KIND, index.KIND)
"""Those of this program. The database names a version of each."""
OURS = (*PROJECTIONS, MODEL_KIND, REFUSAL_KIND)
"""All kinds of this program in whose name the layout is."""
KEPT_FOR = dt.timedelta(days=1)
_LAYOUT = re.compile(r"-[0-9]+$")
"""Before it was part of the name, that stood alone."""


def is_projection(kind: str) -> bool:
    """Of whichever layout."""
    return _is_one_of(PROJECTIONS, kind)


def is_of_another_layout(kind: str) -> bool:
    """Whether other programs read it and this one does not."""
    return _is_one_of(OURS, kind) and kind not in OURS


def _is_one_of(kinds: Collection[str], kind: str) -> bool:
    """But for the layout."""
    return _name(kind) in map(_name, kinds)


def _name(kind: str) -> str:
    return _LAYOUT.sub("", kind)


def forget_unwanted() -> None:
    """Have changes kept for those alone that a program has wanted lately, and remove what others left here."""
    outbox.want(PROJECTIONS)
    outbox.forget_unwanted(for_long=KEPT_FOR)
    remove_unwanted_here()


def remove_unwanted_here() -> None:
    kept = outbox.consumers()
    for kind in stored_kinds(settings.ARTIFACTS_DIR):
        store = ArtifactStore(settings.ARTIFACTS_DIR, kind)
        wanted_at, is_theirs = store.wanted_at(), is_of_another_layout(kind)
        if kind in OURS or (is_theirs and wanted_at is None):  # a program from before that was noted has its day too
            store.want()
        elif is_theirs and kind not in kept and _is_long_ago(wanted_at or 0.0):
            shutil.rmtree(store.directory, ignore_errors=True)


def remove_unwanted_from(depot: Depot) -> None:
    """A model that a program serves still is brought there again by its courier. Raises DepotAway."""
    kept = outbox.consumers()
    for kind, (newest, *_) in depot.versions().items():
        is_kept = kind in kept or not is_of_another_layout(kind)
        if not is_kept and (is_projection(kind) or _is_long_ago(depot.put_at(kind, newest))):
            depot.remove(kind)


def _is_long_ago(at: float) -> bool:
    return time.time() - at > KEPT_FOR.total_seconds()
