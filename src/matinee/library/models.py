"""What a person says about films: favourites, watchlist, ratings with reviews, and dismissals."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from matinee.catalog.models import Movie


class RatingQuerySet(models.QuerySet["MovieRating"]):
    def public_reviews(self) -> RatingQuerySet:
        """Reviews that everyone may read, newest first: not private, not hidden by staff, of active people."""
        written = self.exclude(review="").filter(review_private=False, review_hidden=False, user__is_active=True)
        return written.select_related("user").order_by("-created_at", "-id")


class Favorite(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favorites", db_index=False
    )
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="favorites")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "movie"], name="one_favorite_per_user_and_movie"),)
        indexes = (
            models.Index(F("user"), F("created_at").desc(), F("id").desc(), name="favorites_newest_first"),
            models.Index(fields=["created_at", "movie", "user"], name="favorites_of_late"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.movie_id}"


class Watchlist(models.Model):
    """One film that one person wants to see."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watchlist", db_index=False
    )
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="watchlisted")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "movie"], name="one_watchlist_entry_per_user_and_movie"),
        )
        indexes = (
            models.Index(F("user"), F("created_at").desc(), F("id").desc(), name="watchlist_newest_first"),
            models.Index(fields=["created_at", "movie", "user"], name="watchlist_of_late"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} wants to see {self.movie_id}"


class MovieRating(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings", db_index=False)
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="ratings", db_index=False)
    rating = models.IntegerField(choices=[(stars, str(stars)) for stars in range(1, 6)])
    review = models.TextField(blank=True)
    review_private = models.BooleanField(default=False, help_text="Chosen by its author.")
    review_hidden = models.BooleanField(default=False, help_text="Taken from public view by staff.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = RatingQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "movie"], name="one_rating_per_user_and_movie"),
            models.CheckConstraint(condition=Q(rating__range=(1, 5)), name="a_rating_is_1_to_5"),
        )
        indexes = (
            models.Index(F("user"), F("created_at").desc(), F("id").desc(), name="ratings_newest_first"),
            models.Index(F("movie"), F("created_at").desc(), F("id").desc(), name="reviews_newest_first"),
            models.Index(fields=["updated_at", "movie", "user"], condition=Q(rating__gte=4), name="liked_of_late"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} gives {self.movie_id} {self.rating}"


class Dismissal(models.Model):
    """Not interested: never recommend this film to this person."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dismissals", db_index=False
    )
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="dismissals")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "movie"], name="one_dismissal_per_user_and_movie"),)
        indexes = (models.Index(F("user"), F("created_at").desc(), F("id").desc(), name="dismissals_newest_first"),)

    def __str__(self) -> str:
        return f"{self.user_id} dismisses {self.movie_id}"


class ToldReleases(models.Model):
    """How far people have been told on a day what has come out of the films on their watchlists (`releases`)."""

    day = models.DateField(primary_key=True)
    films = models.JSONField(
        null=True, help_text="Their TMDb ids. Unknown where the program before told: then those that came out that day."
    )
    up_to_person = models.BigIntegerField(default=0, help_text="Everybody with an id up to this has been told.")
    done_at = models.DateTimeField(null=True, help_text="When everybody had been.")

    def __str__(self) -> str:
        return f"releases of {self.day}"


Entry = Favorite | Watchlist | Dismissal
"""What a person puts on one of their lists."""
