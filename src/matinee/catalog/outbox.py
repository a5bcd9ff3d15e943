"""Reading the outbox: who keeps a projection of the catalogue takes the films that changed, and then forgets them.

Changes are forgotten only once a published version holds them, so that whoever is killed on the way finds them again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from django.db import connections, transaction

from matinee.catalog.models import ChangeConsumer, MovieChange
from matinee.core.depot import depot
from matinee.core.in_service import ArtifactKind

logger = logging.getLogger(__name__)
VIEW = TypeVar("VIEW")

GENRES = 0
"""In place of a TMDb id: a genre has changed, and with it what every film says of its genres."""

DELETED_AT_ONCE = 5_000
EVERYTHING_CHANGED = """
INSERT INTO catalog_moviechange (consumer, tmdb_id)
SELECT consumer.name, movie.tmdb_id FROM catalog_changeconsumer consumer CROSS JOIN catalog_movie movie
"""


def pending_changes(consumer: str, *, newest: int | None = None) -> dict[int, int]:
    """The TMDb ids of changed films by the id of each change, of all or of so many of the newest changes; from the
    first call on they are kept for `consumer`."""
    ChangeConsumer.objects.get_or_create(name=consumer)
    changes = MovieChange.objects.filter(consumer=consumer).order_by("-id")
    return dict(changes.values_list("id", "tmdb_id")[:newest])


def has_changes(consumer: str) -> bool:
    """Whether anything is pending that can be published now: one indexed query."""
    shared = depot()
    return not (shared is not None and shared.is_resting) and MovieChange.objects.filter(consumer=consumer).exists()


def forget_changes(pending: Mapping[int, int]) -> None:
    """Drop changes that were taken in, as `pending_changes` gave them."""
    ids = list(pending)
    for start in range(0, len(ids), DELETED_AT_ONCE):
        MovieChange.objects.filter(id__in=ids[start : start + DELETED_AT_ONCE]).delete()


@contextmanager
def taking_in(
    consumer: str, kind: ArtifactKind[VIEW], *, newest: int | None = None
) -> Iterator[tuple[VIEW | None, list[int]]]:
    """The version that the database names, None where it is not to be had, and the ascending TMDb ids of the films that
    have changed since; the block publishes a version that holds them, which is then named in its place. Where there is
    a version and `newest` is given, those are the films of so many of the newest changes: the others stay pending.

    Killed at any point, it is simply run again. Two at once on one node take turns, and of two nodes the first counts.
    """
    with kind.store.one_refresher():
        named = named_version(consumer)
        previous = kind.at(named)
        pending = pending_changes(consumer, newest=None if previous is None else newest)
        yield previous, sorted(set(pending.values()))
        made = kind.store.current_version()
        with transaction.atomic():
            named_still = ChangeConsumer.objects.filter(name=consumer, version=named)
            # Asked where nothing was made, too: another node may have named a version that lacks these changes.
            if named_still.update(version=made):
                forget_changes(pending)
            else:
                logger.info("Another node was quicker than version %s for %s", made, consumer)
    kind.latest.forget()


def named_version(consumer: str) -> str | None:
    """The one that holds every change which is not pending."""
    return ChangeConsumer.objects.filter(name=consumer).values_list("version", flat=True).first()


def named_versions() -> dict[str, str]:
    """Of every consumer that has published."""
    rows = ChangeConsumer.objects.values_list("name", "version")
    return {name: version for name, version in rows if version is not None}


def start_over(*, using: str) -> None:
    """Have every consumer take in every film: what they published belongs to another state of this database."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        MovieChange.objects.using(using).all().delete()
        ChangeConsumer.objects.using(using).update(version=None)
        cursor.execute(EVERYTHING_CHANGED)
