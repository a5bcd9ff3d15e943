"""Ratings and reviews for staff, to hide what must not stand in public. What a person did is never edited here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from matinee.accounts.admin_site import key_of
from matinee.audit.actions import Action
from matinee.audit.trail import Deed, record_all
from matinee.core.read_only import Unedited
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist


@admin.register(MovieRating)
class MovieRatingAdmin(admin.ModelAdmin[MovieRating]):
    list_display = ("movie", "user", "rating", "review_hidden", "review_private", "created_at")
    list_filter = ("review_hidden", "rating", "created_at")
    search_fields = ("user__username", "movie__title", "review")
    list_select_related = ("movie", "user")
    readonly_fields = ("user", "movie", "rating", "review", "review_private", "created_at", "updated_at")
    actions = ("hide_reviews", "show_reviews")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    @admin.action(description="Hide these reviews from the public")
    def hide_reviews(self, request: HttpRequest, ratings: QuerySet[MovieRating]) -> None:
        self.message_user(request, f"{_set_hidden(request, ratings, hidden=True)} reviews are hidden.")

    @admin.action(description="Show these reviews again")
    def show_reviews(self, request: HttpRequest, ratings: QuerySet[MovieRating]) -> None:
        self.message_user(request, f"{_set_hidden(request, ratings, hidden=False)} reviews are shown.")


def _set_hidden(request: HttpRequest, ratings: QuerySet[MovieRating], *, hidden: bool) -> int:
    action = Action.REVIEW_HIDDEN if hidden else Action.REVIEW_SHOWN
    changing = ratings.filter(review_hidden=not hidden).select_related("user")
    deeds = [Deed(action, key_of(request), rating.user.audit_key, f"rating:{rating.pk}") for rating in changing]
    record_all(deeds, now=timezone.now())
    return changing.update(review_hidden=hidden)


class EntryAdmin(Unedited, admin.ModelAdmin[Any]):
    list_display = ("movie", "user", "created_at")
    search_fields = ("user__username", "movie__title")
    list_select_related = ("movie", "user")


admin.site.register([Favorite, Watchlist, Dismissal], EntryAdmin)
