"""The mirror for staff, who edit nothing of it: what is left to ask for, what did not fit, how far it is, who runs."""

from __future__ import annotations

from django.contrib import admin

from matinee.core.read_only import ReadOnly
from matinee.tmdb.models import QuarantinedFilm, SyncLease, SyncStep, WantedFilm


@admin.register(QuarantinedFilm)
class QuarantinedFilmAdmin(ReadOnly, admin.ModelAdmin[QuarantinedFilm]):
    list_display = ("tmdb_id", "reason", "times", "seen_at", "again_at")
    search_fields = ("=tmdb_id", "reason")


@admin.register(WantedFilm)
class WantedFilmAdmin(ReadOnly, admin.ModelAdmin[WantedFilm]):
    list_display = ("tmdb_id", "rank")
    search_fields = ("=tmdb_id",)
    show_full_result_count = False


@admin.register(SyncStep)
class SyncStepAdmin(ReadOnly, admin.ModelAdmin[SyncStep]):
    list_display = ("name", "done_at", "day")


@admin.register(SyncLease)
class SyncLeaseAdmin(ReadOnly, admin.ModelAdmin[SyncLease]):
    list_display = ("name", "holder", "token", "expires_at")
