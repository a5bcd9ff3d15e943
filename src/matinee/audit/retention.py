"""How long the trail is kept: whole segments go, oldest first, and leave their roots, to which the rest is chained."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction

from matinee.audit.actions import Action
from matinee.audit.models import Event, Segment
from matinee.audit.trail import record

DROPPED_AT_ONCE = 20
"""Segments a transaction, which on SQLite holds up every writer."""


def drop_expired(*, now: dt.datetime) -> int:
    """Drop the segments whose events are all older than AUDIT_RETENTION; returns how many."""
    if settings.AUDIT_RETENTION is None:
        return 0
    dropped = 0
    while some := _drop_some(before=now - settings.AUDIT_RETENTION, now=now):
        dropped += some
    return dropped


@transaction.atomic
def _drop_some(*, before: dt.datetime, now: dt.datetime) -> int:
    kept = Segment.objects.filter(dropped_at=None)
    first_to_stay = kept.filter(newest_at__gte=before).order_by("number").values_list("number", flat=True).first()
    old = kept if first_to_stay is None else kept.filter(number__lt=first_to_stay)
    numbers = list(old.order_by("number").values_list("number", flat=True)[:DROPPED_AT_ONCE])
    if not numbers:
        return 0
    Segment.objects.filter(number__in=numbers).update(dropped_at=now)
    Event.objects.filter(segment__in=numbers).delete()
    changes = {"first": numbers[0], "last": numbers[-1]}
    record(Action.SEGMENTS_DROPPED, actor=None, subject=None, changes=changes, now=now)
    return len(numbers)
