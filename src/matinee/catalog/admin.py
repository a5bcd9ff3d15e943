"""Films and genres for staff. A change here is seen by lists within seconds: the database's triggers tell of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from matinee.catalog.models import Genre, Movie


@admin.register(Genre)
class GenreAdmin(admin.ModelAdmin[Genre]):
    list_display = ("name", "id")
    search_fields = ("name",)


@admin.register(Movie)
class MovieAdmin(admin.ModelAdmin[Movie]):
    list_display = ("title", "release_date", "tmdb_id", "original_language", "vote_average", "vote_count", "popularity")
    list_filter = ("original_language", "status", "release_date")
    search_fields = ("title", "original_title", "=tmdb_id", "=imdb_id")
    show_full_result_count = False  # counting a million films costs more than the page
    readonly_fields = ("media_type", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("title", "original_title", "tmdb_id", "imdb_id", "release_date", "status", "media_type")}),
        ("What it is about", {"fields": ("overview", "tagline", "genre_ids", "keywords", "directors", "cast")}),
        ("Figures", {"fields": ("runtime", "vote_average", "vote_count", "popularity", "budget", "revenue")}),
        ("Pictures", {"fields": ("poster_path", "backdrop_path")}),
        (
            "Where it comes from",
            {"fields": ("original_language", "spoken_languages", "production_countries", "production_companies")},
        ),
        ("Our record", {"fields": ("created_at", "updated_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Movie]:
        return super().get_queryset(request).defer("overview", "production_companies", "cast", "keywords")

    def get_readonly_fields(self, request: HttpRequest, obj: Movie | None = None) -> tuple[str, ...]:  # noqa: ARG002 - Django's signature
        """A film keeps the id that clients know it by."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "tmdb_id")

    def save_model(self, request: HttpRequest, obj: Movie, form: ModelForm[Movie], change: bool) -> None:  # noqa: FBT001 - Django's signature
        """`updated_at` moves only when a fact has changed; what is left empty is unknown, not ""."""
        now = timezone.now()
        for name in ("original_title", "overview", "tagline", "poster_path", "backdrop_path", "imdb_id", "status"):
            setattr(obj, name, getattr(obj, name) or None)
        if not change:
            obj.created_at = now
        if form.changed_data or not change:
            obj.updated_at = now
        super().save_model(request, obj, form, change)

    def get_form(self, request: HttpRequest, obj: Movie | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        form = super().get_form(request, obj, change, **kwargs)
        for name in ("genre_ids", "keywords", "directors", "cast", "spoken_languages"):
            form.base_fields[name].help_text = "A JSON list."
        return form
