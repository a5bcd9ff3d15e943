"""The trail: who did what to whose things, in rows that are added and never changed.

It stands below accounts and knows nobody: actor and subject are keys that `accounts` keeps for each person and destroys
with the account, so that what is left names no one.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import F

KEY_LENGTH = 32


class Segment(models.Model):
    """A run of events that are sealed together: each one's digest covers the one before, the root covers them all, and
    the next segment begins from it."""

    number = models.BigIntegerField(primary_key=True, help_text="From 1, without a gap.")
    size = models.IntegerField(help_text="How many events.")
    oldest_at = models.DateTimeField()
    newest_at = models.DateTimeField()
    sealed_at = models.DateTimeField()
    root = models.CharField(max_length=64, help_text="SHA-256, in hexadecimal.")
    dropped_at = models.DateTimeField(null=True, help_text="When retention took its events; the root stays.")

    def __str__(self) -> str:
        return f"segment {self.number}"


class Event(models.Model):
    """One thing that somebody did. The database itself refuses to change or delete it (`audit.triggers`), but for the
    seal, which is put on once."""

    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=KEY_LENGTH, null=True, help_text="Who did it; null: nobody who is known.")
    subject = models.CharField(max_length=KEY_LENGTH, null=True, help_text="Whose account or things it is about.")
    target = models.CharField(max_length=100, blank=True, help_text="What it was done to: kind, colon, id.")
    changes = models.TextField(blank=True, help_text="JSON: what is different now. No secret, no text of a person.")
    request_id = models.CharField(max_length=64, blank=True)
    network = models.CharField(max_length=43, blank=True, help_text="Where it came from: /24, or /48 of IPv6.")
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, db_index=False, related_name="events")
    place = models.IntegerField(null=True, help_text="In the segment, from 1.")
    digest = models.BinaryField(max_length=32, null=True)

    class Meta:
        indexes = (
            models.Index(F("subject"), F("id").desc(), name="events_newest_first"),
            models.Index(fields=["segment", "place"], name="events_as_sealed"),
        )

    def __str__(self) -> str:
        return f"event {self.pk}: {self.action}"

    @property
    def changed(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.changes) if self.changes else {}
        return result
