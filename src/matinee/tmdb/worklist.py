"""The films that TMDb is to be asked for. All that the mirror has still to do stands here, so that whoever is killed
is gone on from where they were, by any machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from matinee.tmdb.models import WantedFilm

AT_ONCE = 1_000
ASKED_FOR = -1
"""The rank of films that somebody searched for a moment ago."""
URGENT = 0
"""The rank of changed and of popular films; those of a fill come after, by popularity from 1."""
KNOWN = """
INSERT INTO tmdb_wantedfilm (tmdb_id, rank) SELECT tmdb_id, %s FROM catalog_movie WHERE true
ON CONFLICT (tmdb_id) DO NOTHING
"""


def want(tmdb_ids: Sequence[int], *, first_rank: int | None = None) -> None:
    """Put films on the list, all as urgent or each a rank after the one before; one that is there keeps its place."""
    for start in range(0, len(tmdb_ids), AT_ONCE):
        rows = [
            WantedFilm(tmdb_id=int(tmdb_id), rank=URGENT if first_rank is None else first_rank + start + place)
            for place, tmdb_id in enumerate(tmdb_ids[start : start + AT_ONCE])
        ]
        WantedFilm.objects.bulk_create(rows, ignore_conflicts=True)


def want_first(tmdb_ids: Sequence[int]) -> None:
    """Put films at the head of the list, also those that stand further down."""
    rows = [WantedFilm(tmdb_id=tmdb_id, rank=ASKED_FOR) for tmdb_id in tmdb_ids]
    WantedFilm.objects.bulk_create(rows, update_conflicts=True, unique_fields=["tmdb_id"], update_fields=["rank"])


def want_all_known(*, rank: int) -> None:
    """Every film of the catalogue, by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [rank])


def first(number: int) -> list[int]:
    return list(WantedFilm.objects.order_by("rank", "tmdb_id").values_list("tmdb_id", flat=True)[:number])


def strike(tmdb_ids: Iterable[int]) -> None:
    """Take them off the list."""
    WantedFilm.objects.filter(tmdb_id__in=list(tmdb_ids)).delete()


def left() -> int:
    return WantedFilm.objects.count()
