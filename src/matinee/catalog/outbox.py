"""Reading the outbox: who keeps a projection of the catalogue takes the films that changed, and then forgets them.

Changes are forgotten only once a published version holds them, so that whoever is killed on the way finds them again.
A consumer bears the name of the kind of artifact that it publishes, in which its layout is: programs of two layouts
keep each its own beside the other's.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from django.conf import settings
from django.db import connections, router, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from numpy.typing import NDArray

from matinee.catalog.models import ChangeConsumer, MovieChange
from matinee.core.array_files import array_files, room_in
from matinee.core.depot import depot
from matinee.core.in_parts import Keys, in_order, parts
from matinee.core.in_service import ArtifactKind

logger = logging.getLogger(__name__)
VIEW = TypeVar("VIEW")

GENRES = 0
"""In place of a TMDb id: a genre has changed, and with it what every film says of its genres."""

READ_AT_ONCE = 2_000
DELETED_AT_ONCE = 5_000
MANY = 1_000
"""Changes whose rows are worth tidying up after."""
EVERYTHING_CHANGED = """
INSERT INTO catalog_moviechange (consumer, tmdb_id)
SELECT consumer.name, movie.tmdb_id FROM catalog_changeconsumer consumer CROSS JOIN catalog_movie movie
"""


@dataclass(frozen=True)
class Changes:
    """What a consumer has to take in, mapped from files: all films of a large catalogue may be among them."""

    ids: NDArray[np.int64]
    """(n,) of the changes."""
    tmdb_ids: NDArray[np.int64]
    """(n,) of the films that changed, one of them as often as it did."""

    def __len__(self) -> int:
        return len(self.ids)

    def films(self) -> Sequence[int]:
        """The ids of the films, ascending and each once."""
        keys = Keys(lambda rows, _depth: self.tmdb_ids[rows])
        order, last = in_order(len(self), keys, room_in(settings.ARTIFACTS_DIR)), -1
        with array_files(settings.ARTIFACTS_DIR) as files:
            files.append({"films": self.tmdb_ids[:0]})
            for part in parts(len(order)):
                ids = self.tmdb_ids[order[part]]
                files.append({"films": np.unique(ids[ids > last])})
                last = int(ids[-1])
            return files.mapped()["films"].data


def pending_changes(consumer: str, *, newest: int | None = None) -> Changes:
    """All that are pending or so many of the newest; from the first call on they are kept for `consumer`."""
    ChangeConsumer.objects.get_or_create(name=consumer, defaults={"wanted_at": Now()})
    pending = MovieChange.objects.filter(consumer=consumer).order_by("-id")[:newest]
    rows = pending.values_list("id", "tmdb_id").iterator(chunk_size=READ_AT_ONCE)
    with array_files(settings.ARTIFACTS_DIR) as files:
        some = np.empty((0, 2), dtype=np.int64)
        files.append({"ids": some[:, 0], "tmdb_ids": some[:, 1]})
        while chunk := list(itertools.islice(rows, READ_AT_ONCE)):
            some = np.array(chunk, dtype=np.int64)
            files.append({"ids": some[:, 0], "tmdb_ids": some[:, 1]})
        return Changes(**files.mapped())


def has_changes(consumer: str) -> bool:
    """Whether anything is pending that can be published now: one indexed query."""
    return not _is_away() and MovieChange.objects.filter(consumer=consumer).exists()


def _is_away() -> bool:
    """Whether the depot was away a moment ago, so that nothing can be published."""
    shared = depot()
    return shared is not None and shared.is_resting


def is_behind(kind: ArtifactKind[Any]) -> bool:
    """Whether this process reads another version than the database names, or changes are pending that can be published
    now: one indexed query at most."""
    if kind.latest.get() is None:
        return True
    pending = Exists(MovieChange.objects.filter(consumer=OuterRef("name")))
    told = ChangeConsumer.objects.filter(name=kind.name).values_list("version", pending).first()
    named, has_pending = told or (None, False)
    return named != kind.latest.version or (has_pending and not _is_away())


def is_named(kind: ArtifactKind[Any]) -> bool:
    """Whether the version that this process reads is the one that the database names. None is named any more where no
    program wanted this kind for long: what lies here may lack changes then that nobody has kept."""
    return kind.latest.version == named_version(kind.name)


def forget_changes(pending: Changes) -> None:
    """Drop changes that were taken in, as `pending_changes` gave them."""
    for start in range(0, len(pending), DELETED_AT_ONCE):
        MovieChange.objects.filter(id__in=pending.ids[start : start + DELETED_AT_ONCE].tolist()).delete()


def _tidy_up() -> None:
    """Have PostgreSQL drop the deleted rows, past which each request would read until a vacuum comes by itself."""
    database = connections[router.db_for_write(MovieChange)]
    if database.vendor == "postgresql" and not database.in_atomic_block:
        with database.cursor() as cursor:
            cursor.execute("VACUUM (SKIP_LOCKED) catalog_moviechange")


@contextmanager
def taking_in(kind: ArtifactKind[VIEW], *, newest: int | None = None) -> Iterator[tuple[VIEW | None, Sequence[int]]]:
    """Gives (view, changed): the view of the version that the database names, and the ascending TMDb ids of the films
    that have changed since; where that version can't be had, None and no ids: all films have to be read then.

    The block publishes a version that holds these changes; after it, the database names that version and the changes
    are forgotten. With `newest` only so many of the newest changes are given and the others stay pending, unless there
    is no version to begin from. Killed at any point, it is simply run again. Two at once on one node take turns; of two
    nodes the first to finish counts.
    """
    consumer = kind.name
    with kind.store.one_refresher():
        named = named_version(consumer)
        previous = kind.at(named)
        pending = pending_changes(consumer, newest=None if previous is None else newest)
        yield previous, (() if previous is None else pending.films())
        made = kind.store.current_version()
        with transaction.atomic():
            named_still = ChangeConsumer.objects.filter(name=consumer, version=named)
            # Asked where nothing was made, too: another node may have named a version that lacks these changes.
            if named_still.update(version=made, wanted_at=Now()):
                forget_changes(pending)
            else:
                logger.info("Another node was quicker than version %s for %s", made, consumer)
        if len(pending) >= MANY:
            _tidy_up()
    kind.latest.forget()


def named_version(consumer: str) -> str | None:
    """The one that holds every change which is not pending."""
    return ChangeConsumer.objects.filter(name=consumer).values_list("version", flat=True).first()


def named_versions() -> dict[str, str]:
    """Of every consumer that has published."""
    rows = ChangeConsumer.objects.values_list("name", "version")
    return {name: version for name, version in rows if version is not None}


def consumers() -> set[str]:
    """All that changes are kept for."""
    return {*ChangeConsumer.objects.values_list("name", flat=True)}


def want(consumers: Collection[str]) -> None:
    """Have what these consumers keep be there for another while."""
    ChangeConsumer.objects.filter(name__in=consumers).update(wanted_at=Now())


@transaction.atomic
def forget_unwanted(*, for_long: dt.timedelta) -> None:
    """Keep no more changes for a consumer that no program has wanted `for_long`; one that comes back begins anew."""
    ChangeConsumer.objects.filter(wanted_at=None).update(wanted_at=Now())  # from before that was noted
    unwanted = ChangeConsumer.objects.filter(wanted_at__lt=Now() - for_long)
    names = list(unwanted.select_for_update().values_list("name", flat=True))
    unwanted.delete()
    MovieChange.objects.filter(consumer__in=names).delete()


def start_over(*, using: str) -> None:
    """Have every consumer take in every film: what they published belongs to another state of this database."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        MovieChange.objects.using(using).all().delete()
        ChangeConsumer.objects.using(using).update(version=None)
        cursor.execute(EVERYTHING_CHANGED)
