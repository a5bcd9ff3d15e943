"""The outbox costs those who look into it nothing for what was in it once."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from matinee.catalog import outbox
from matinee.catalog.cards import KIND, STANDING, STANDING_COLUMNS, refresh_cards
from matinee.catalog.models import Movie, MovieChange
from matinee.core import in_parts
from tests.catalog.films import film

LOOK = f"SELECT {STANDING_COLUMNS} FROM (SELECT 1) moment {STANDING}"
ON_POSTGRESQL = pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="of PostgreSQL, which keeps deleted rows")
FEW = 10
FEW_CHANGES, CHANGES = 3_000, 40_000


def pages_looked_at() -> int:
    """Of PostgreSQL's, by who asks what has changed since the cards were made, which each request does."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {LOOK}")
        [[told]] = cursor.fetchall()
    plan: dict[str, Any] = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_once_many_changes_were_taken_in_nobody_reads_past_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    refresh_cards()
    Movie.objects.bulk_create(film(number) for number in range(1, 5 * outbox.MANY))
    with monkeypatch.context() as without:
        without.setattr(outbox, "MANY", 10**9)
        refresh_cards()
    assert not MovieChange.objects.filter(consumer=KIND).exists()
    assert pages_looked_at() > FEW, "else there is nothing to be shown"

    def pages_after_many_changes() -> int:
        Movie.objects.filter(tmdb_id__lte=outbox.MANY).update(title="Changed")
        refresh_cards()
        assert not MovieChange.objects.filter(consumer=KIND).exists()
        return pages_looked_at()

    # what reads beside, as PostgreSQL's own ANALYZE at any time, keeps the rows that it may still have to read
    assert any(pages_after_many_changes() <= FEW for _ in range(3))


@pytest.mark.django_db
def test_within_a_transaction_changes_are_taken_in_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MANY", 1)
    refresh_cards()
    Movie.objects.bulk_create([film(1)])

    refresh_cards()

    assert not MovieChange.objects.filter(consumer=KIND).exists()


@pytest.mark.django_db
def test_what_is_pending_takes_no_memory_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "READ_AT_ONCE", 500)
    monkeypatch.setattr(outbox, "DELETED_AT_ONCE", 500)
    monkeypatch.setattr(in_parts, "PART", 500)
    outbox.pending_changes(KIND)
    MovieChange.objects.all().delete()
    few = most_bytes(FEW_CHANGES)
    many = most_bytes(CHANGES)

    assert (many - few) / (CHANGES - FEW_CHANGES) < 4  # as numbers 16, as rows 200: after a load all films are here


def most_bytes(changes: int) -> int:
    """That Python and numpy hold while so many are taken in and forgotten, mapped files not counted."""
    MovieChange.objects.bulk_create(MovieChange(consumer=KIND, tmdb_id=1 + each // 2) for each in range(changes))
    expected = sorted(MovieChange.objects.values_list("id", flat=True))
    tracemalloc.start()
    try:
        pending = outbox.pending_changes(KIND)
        films = pending.films()
        outbox.forget_changes(pending)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert [*films] == [*range(1, 1 + changes // 2)]
    assert sorted(pending.ids.tolist()) == expected
    assert not MovieChange.objects.filter(consumer=KIND).exists()
    return most
