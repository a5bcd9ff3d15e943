"""Films, what is known of them, and the outbox that tells what changed about them.

An unknown fact is NULL, never "" or 0: TMDb's 0 for budget, revenue and runtime, and a vote_average without votes,
are made NULL where payloads come in (`catalog.facts`). The lists of a film (its cast, its keywords, …) are written
there too, and nowhere else: whatever changes one of them touches the film's row, whose triggers write the outbox.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models
from django.db.models import Q


class Genre(models.Model):
    """A genre under TMDb's id."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """Somebody who plays in films or makes them, under TMDb's id."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200)
    profile_path = models.CharField(max_length=200, null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Keyword(models.Model):
    """What films are about, under TMDb's id."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class Collection(models.Model):
    """Films that belong together, under TMDb's id."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200)
    poster_path = models.CharField(max_length=200, null=True, blank=True)
    backdrop_path = models.CharField(max_length=200, null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class WatchProvider(models.Model):
    """Somebody who streams, rents or sells films, under TMDb's id."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200)
    logo_path = models.CharField(max_length=200, null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class MovieQuerySet(models.QuerySet["Movie"]):
    def by_tmdb_ids(self, tmdb_ids: Sequence[int]) -> list[Movie]:
        """The films with these ids, in the order given, by one query; an id that has no film is left out."""
        found = {movie.tmdb_id: movie for movie in self.filter(tmdb_id__in=tmdb_ids)}
        return [found[tmdb_id] for tmdb_id in tmdb_ids if tmdb_id in found]


class Movie(models.Model):
    """One film as TMDb knows it. `tmdb_id` is the id that clients use; `id` is our row."""

    tmdb_id = models.BigIntegerField(unique=True)
    title = models.CharField(max_length=500)
    original_title = models.CharField(max_length=500, null=True, blank=True)
    overview = models.TextField(null=True, blank=True)
    tagline = models.TextField(null=True, blank=True)
    poster_path = models.CharField(max_length=200, null=True, blank=True)
    backdrop_path = models.CharField(max_length=200, null=True, blank=True)
    release_date = models.DateField(null=True, blank=True)
    runtime = models.IntegerField(null=True, blank=True, help_text="Minutes.")
    vote_average = models.FloatField(null=True, blank=True, help_text="TMDb's, 0 to 10.")
    vote_count = models.IntegerField(null=True, blank=True)
    popularity = models.FloatField(null=True, blank=True)
    genre_ids = models.JSONField(default=list, blank=True)
    media_type = models.CharField(max_length=10, default="movie", editable=False)
    imdb_id = models.CharField(max_length=12, null=True, blank=True)
    original_language = models.CharField(max_length=10, null=True, blank=True)
    budget = models.BigIntegerField(null=True, blank=True, help_text="US dollars.")
    revenue = models.BigIntegerField(null=True, blank=True, help_text="US dollars.")
    status = models.CharField(max_length=50, null=True, blank=True)
    production_companies = models.JSONField(default=list, blank=True)
    production_countries = models.JSONField(default=list, blank=True)
    spoken_languages = models.JSONField(default=list, blank=True)
    keywords = models.JSONField(default=list, blank=True, help_text="Names.")
    directors = models.JSONField(default=list, blank=True, help_text="Names.")
    cast = models.JSONField(default=list, blank=True, help_text="Names, first billed first.")
    collection = models.ForeignKey(Collection, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    digests = models.JSONField(
        null=True, editable=False, help_text="Of each list of facts as it was stored last: who brings the same is done."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(help_text="When a fact last changed.")

    objects = MovieQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["-popularity", "tmdb_id"], name="movie_by_popularity"),
            models.Index(fields=["imdb_id"], name="movie_by_imdb_id"),
            models.Index(fields=["title"], name="movie_by_title"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(media_type="movie"), name="a_movie_is_a_movie"),
            models.CheckConstraint(condition=Q(tmdb_id__gt=0), name="a_tmdb_id_is_positive"),
        )

    def __str__(self) -> str:
        return f"{self.title} ({self.release_date.year})" if self.release_date else self.title


class CastMember(models.Model):
    """Who plays in a film, and whom; `place` 0 is billed first."""

    pk = models.CompositePrimaryKey("movie_id", "place")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False, related_name="+")
    place = models.PositiveSmallIntegerField()
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    character = models.CharField(max_length=300, null=True)

    def __str__(self) -> str:
        return f"{self.person_id} in {self.movie_id}"


class CrewMember(models.Model):
    """Who made a film, and what they did; a person has a row for each job, the main jobs first."""

    pk = models.CompositePrimaryKey("movie_id", "place")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False, related_name="+")
    place = models.PositiveSmallIntegerField()
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    job = models.CharField(max_length=100)
    department = models.CharField(max_length=100, null=True)

    def __str__(self) -> str:
        return f"{self.person_id}, {self.job} of {self.movie_id}"


class KeywordTag(models.Model):
    """A keyword of a film."""

    pk = models.CompositePrimaryKey("movie_id", "keyword_id")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False, related_name="+")
    keyword = models.ForeignKey(Keyword, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.keyword_id} of {self.movie_id}"


class Certification(models.Model):
    """For whom a country's board of film classification says that a film is."""

    pk = models.CompositePrimaryKey("movie_id", "country")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False, related_name="+")
    country = models.CharField(max_length=6, help_text="ISO 3166, CA-QC among them.")
    certification = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"{self.country}:{self.certification}"


class WatchOffer(models.Model):
    """Where a film can be watched, as JustWatch knows it."""

    pk = models.CompositePrimaryKey("movie_id", "region", "kind", "provider_id")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False, related_name="+")
    region = models.CharField(max_length=2, help_text="ISO 3166.")
    kind = models.CharField(max_length=8, help_text="ads, buy, flatrate, free or rent.")
    provider = models.ForeignKey(WatchProvider, on_delete=models.CASCADE, db_index=False, related_name="+")

    def __str__(self) -> str:
        return f"{self.provider_id} in {self.region}: {self.kind}"


class Video(models.Model):
    """A trailer, a clip and the like; official trailers stand first."""

    pk = models.CompositePrimaryKey("movie_id", "place")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False, related_name="+")
    place = models.PositiveSmallIntegerField()
    site = models.CharField(max_length=20, help_text="YouTube or Vimeo.")
    key = models.CharField(max_length=40)
    name = models.CharField(max_length=300, null=True)
    kind = models.CharField(max_length=40, null=True, help_text="Trailer, Teaser, Clip, …")
    is_official = models.BooleanField()
    language = models.CharField(max_length=10, null=True)
    published_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.site} {self.key}"


class AlternativeTitle(models.Model):
    """What a film is called elsewhere, too."""

    pk = models.CompositePrimaryKey("movie_id", "place")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False, related_name="+")
    place = models.PositiveSmallIntegerField()
    country = models.CharField(max_length=2, help_text="ISO 3166.")
    title = models.CharField(max_length=500)
    kind = models.CharField(max_length=100, null=True, help_text="Why it is another: working title, romanization, …")

    def __str__(self) -> str:
        return self.title


class ChangeConsumer(models.Model):
    """Somebody who keeps a projection of the catalogue; the database writes it one MovieChange a changed film."""

    name = models.CharField(primary_key=True, max_length=30)
    version = models.CharField(
        max_length=40, null=True, help_text="The published version that holds every change which is not pending."
    )
    wanted_at = models.DateTimeField(null=True, help_text="When a program last published this or asked to keep it.")

    def __str__(self) -> str:
        return self.name


class MovieChange(models.Model):
    """The outbox: this film was added, changed or deleted, and `consumer` has not taken it in yet. 0: a genre was.

    Rows are written by a trigger on the film's table, in the same transaction as the change (migration 0002), and
    deleted by the consumer once its projection holds the change. A row that is there has been committed, so that no
    order of commits can hide one.
    """

    consumer = models.CharField(max_length=30)
    tmdb_id = models.BigIntegerField()

    class Meta:
        indexes = (
            models.Index(fields=["consumer", "id"], name="change_by_consumer"),
            models.Index(fields=["consumer", "tmdb_id"], name="change_by_film"),
        )

    def __str__(self) -> str:
        return f"{self.consumer}: {self.tmdb_id}"
