"""The mirror for staff, who edit nothing of it: what did not fit and why, how far each part has come, who runs it."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from matinee.tmdb.models import QuarantinedFilm, SyncLease, SyncStep


class ReadOnly(admin.ModelAdmin[Model]):
    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False


@admin.register(QuarantinedFilm)
class QuarantinedFilmAdmin(ReadOnly):
    list_display = ("tmdb_id", "reason", "times", "seen_at", "again_at")
    search_fields = ("=tmdb_id", "reason")


@admin.register(SyncStep)
class SyncStepAdmin(ReadOnly):
    list_display = ("name", "done_at", "day")


@admin.register(SyncLease)
class SyncLeaseAdmin(ReadOnly):
    list_display = ("name", "holder", "token", "expires_at")
