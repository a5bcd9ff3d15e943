"""Reading the outbox: who keeps a projection of the catalogue takes the films that changed, and then forgets them.

Changes are forgotten only once a published version holds them, so that whoever is killed on the way finds them again.
"""

from __future__ import annotations

from collections.abc import Mapping

from matinee.catalog.models import ChangeConsumer, MovieChange

DELETED_AT_ONCE = 5_000


def pending_changes(consumer: str) -> dict[int, int]:
    """The TMDb ids of changed films by the id of each change; from the first call on they are kept for `consumer`."""
    ChangeConsumer.objects.get_or_create(name=consumer)
    return dict(MovieChange.objects.filter(consumer=consumer).values_list("id", "tmdb_id"))


def has_changes(consumer: str) -> bool:
    """Whether anything is pending: one indexed query."""
    return MovieChange.objects.filter(consumer=consumer).exists()


def forget_changes(pending: Mapping[int, int]) -> None:
    """Drop changes that were taken in, as `pending_changes` gave them."""
    ids = list(pending)
    for start in range(0, len(ids), DELETED_AT_ONCE):
        MovieChange.objects.filter(id__in=ids[start : start + DELETED_AT_ONCE]).delete()
