"""Sealing: what has been committed is put into segments, oldest id first.

An event whose transaction commits late is sealed later, whatever its id, so that no write waits for another and nothing
can slip into a closed segment. Digests are computed before the transaction, which on SQLite holds up every writer.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from matinee.audit import anchor
from matinee.audit.chain import BEGINNING, FACTS, digest_of, root_of, seed_of
from matinee.audit.models import Event, Segment
from matinee.core import instants

MOST_IN_A_SEGMENT = 500
UNSEALED = f"SELECT {FACTS} FROM audit_event WHERE segment_id IS NULL ORDER BY id LIMIT {MOST_IN_A_SEGMENT}"  # noqa: S608 - of our own constants
SEAL = "UPDATE audit_event SET segment_id = %s, place = %s, digest = %s WHERE id = %s"


def has_unsealed() -> bool:
    """Whether any event waits: one indexed query."""
    return Event.objects.filter(segment=None).exists()


def seal(*, now: dt.datetime) -> int:
    """Seal all events that are committed by now; returns how many. Two at once can't: the second fails, and nothing of
    it stays, since the number of its segment is taken."""
    sealed = 0
    while segment := _seal_next(now):
        anchor.write(segment)
        sealed += segment.size
    return sealed


def _seal_next(now: dt.datetime) -> Segment | None:
    last = Segment.objects.order_by("-number").first()
    with connection.cursor() as cursor:
        cursor.execute(UNSEALED)
        events = list(cursor.fetchall())
    if not events:
        return None
    number = last.number + 1 if last else 1
    digest = seed_of(last.root if last else BEGINNING, number)
    seals = []
    for place, facts in enumerate(events, 1):
        digest = digest_of(digest, facts)
        seals.append((number, place, digest, facts[0]))
    times = [instants.read(facts[1]) for facts in events]
    oldest, newest = min(times), max(times)
    root = root_of(digest, number=number, size=len(events), oldest=oldest, newest=newest, sealed=now)
    with transaction.atomic():
        segment = Segment.objects.create(
            number=number, size=len(events), oldest_at=oldest, newest_at=newest, sealed_at=now, root=root
        )
        with connection.cursor() as cursor:
            cursor.executemany(SEAL, seals)
    return segment
