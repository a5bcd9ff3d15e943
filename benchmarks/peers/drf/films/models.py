from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone


class Genre(models.Model):
    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ("name", "id")

    def __str__(self):
        return self.name


class MovieQuerySet(models.QuerySet):
    def with_flags(self, user):
        mine = {"user": user, "movie": OuterRef("pk")}
        return self.annotate(
            is_favorite=Exists(Favorite.objects.filter(**mine)),
            in_watchlist=Exists(Watchlist.objects.filter(**mine)),
            user_rating=Subquery(MovieRating.objects.filter(**mine).values("rating")[:1]),
        )


class Movie(models.Model):
    tmdb_id = models.BigIntegerField(unique=True)
    title = models.CharField(max_length=500)
    original_title = models.CharField(max_length=500, null=True, blank=True)
    overview = models.TextField(null=True, blank=True)
    tagline = models.TextField(null=True, blank=True)
    poster_path = models.CharField(max_length=200, null=True, blank=True)
    backdrop_path = models.CharField(max_length=200, null=True, blank=True)
    release_date = models.DateField(null=True, blank=True)
    runtime = models.IntegerField(null=True, blank=True)
    vote_average = models.FloatField(null=True, blank=True)
    vote_count = models.IntegerField(null=True, blank=True)
    popularity = models.FloatField(null=True, blank=True)
    genre_ids = models.JSONField(default=list, blank=True)
    genres = models.ManyToManyField(Genre, related_name="movies", help_text="The same genres, to filter by.")
    media_type = models.CharField(max_length=10, default="movie")
    imdb_id = models.CharField(max_length=12, null=True, blank=True)
    original_language = models.CharField(max_length=10, null=True, blank=True)
    budget = models.BigIntegerField(null=True, blank=True)
    revenue = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=50, null=True, blank=True)
    production_companies = models.JSONField(default=list, blank=True)
    production_countries = models.JSONField(default=list, blank=True)
    spoken_languages = models.JSONField(default=list, blank=True)
    keywords = models.JSONField(default=list, blank=True)
    directors = models.JSONField(default=list, blank=True)
    cast = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = MovieQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["-popularity", "tmdb_id"], name="movie_by_popularity"),
            models.Index(fields=["-vote_average", "tmdb_id"], name="movie_by_vote_average"),
        )

    def __str__(self):
        return self.title


class Favorite(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favorites")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="favorites")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "movie"], name="one_favorite_per_user_and_movie"),)
        indexes = (models.Index(F("user"), F("created_at").desc(), F("id").desc(), name="favorites_newest_first"),)

    def __str__(self):
        return f"{self.user_id} likes {self.movie_id}"


class Watchlist(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watchlist")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="watchlisted")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "movie"], name="one_entry_per_user_and_movie"),)
        indexes = (models.Index(F("user"), F("created_at").desc(), F("id").desc(), name="watchlist_newest_first"),)

    def __str__(self):
        return f"{self.user_id} wants to see {self.movie_id}"


class MovieRating(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="ratings")
    rating = models.IntegerField()
    review = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "movie"], name="one_rating_per_user_and_movie"),
            models.CheckConstraint(condition=Q(rating__range=(1, 5)), name="a_rating_is_1_to_5"),
        )
        indexes = (models.Index(F("user"), F("created_at").desc(), F("id").desc(), name="ratings_newest_first"),)

    def __str__(self):
        return f"{self.user_id} gives {self.movie_id} {self.rating}"
