"""The trail for staff: looked at, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from matinee.audit.models import Event, Segment
from matinee.core.read_only import ReadOnly


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin[Event]):
    """An account's page tells its key, by which its events are found."""

    list_display = ("at", "action", "target", "actor", "subject", "network", "segment_id")
    list_filter = ("action", "at")
    search_fields = ("=subject", "=actor", "=target", "=request_id")
    ordering = ("-id",)
    exclude = ("digest",)
    show_full_result_count = False  # the trail is the longest table


@admin.register(Segment)
class SegmentAdmin(ReadOnly, admin.ModelAdmin[Segment]):
    list_display: Any = ("number", "size", "oldest_at", "newest_at", "sealed_at", "dropped_at", "root")
    ordering = ("-number",)
    show_full_result_count = False
