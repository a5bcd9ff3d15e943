"""The mirror for staff, who edit nothing of it: what did not fit and why, how far each part has come, who runs it."""

from __future__ import annotations

from django.contrib import admin

from matinee.core.read_only import ReadOnly
from matinee.tmdb.models import QuarantinedFilm, SyncLease, SyncStep


@admin.register(QuarantinedFilm)
class QuarantinedFilmAdmin(ReadOnly, admin.ModelAdmin[QuarantinedFilm]):
    list_display = ("tmdb_id", "reason", "times", "seen_at", "again_at")
    search_fields = ("=tmdb_id", "reason")


@admin.register(SyncStep)
class SyncStepAdmin(ReadOnly, admin.ModelAdmin[SyncStep]):
    list_display = ("name", "done_at", "day")


@admin.register(SyncLease)
class SyncLeaseAdmin(ReadOnly, admin.ModelAdmin[SyncLease]):
    list_display = ("name", "holder", "token", "expires_at")
