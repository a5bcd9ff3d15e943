"""What changed about films and is not in a projection yet, as the database's triggers tell each consumer."""

from __future__ import annotations

from collections.abc import Iterable

from matinee.catalog.models import MovieChange

GENRES = 0
"""In place of a TMDb id: a genre has changed, and with it what every film says of its genres."""

DELETED_AT_ONCE = 5_000


def pending(consumer: str) -> dict[int, int]:
    """The TMDb id of each change that waits for `consumer`, by the change's own id."""
    return dict(MovieChange.objects.filter(consumer=consumer).values_list("id", "tmdb_id"))


def settle(changes: Iterable[int]) -> None:
    """Forget the changes with these ids: a published projection holds them."""
    ids = list(changes)
    for start in range(0, len(ids), DELETED_AT_ONCE):
        MovieChange.objects.filter(id__in=ids[start : start + DELETED_AT_ONCE]).delete()
