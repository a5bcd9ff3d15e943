"""What the mirror of TMDb remembers between its runs: who runs it, what is still to be asked for, what did not fit."""

from __future__ import annotations

from django.db import models


class SyncLease(models.Model):
    """Who mirrors TMDb, on whatever machine: one row. `token` grows with each, and only the last's writes count."""

    name = models.CharField(max_length=20, primary_key=True)
    holder = models.CharField(max_length=64)
    token = models.BigIntegerField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}, until {self.expires_at:%Y-%m-%d %H:%M:%S}"


class SyncStep(models.Model):
    """A part of the mirror that comes back, and how far it has come."""

    name = models.CharField(max_length=20, primary_key=True)
    done_at = models.DateTimeField()
    day = models.DateField(null=True, help_text="TMDb's changes are in up to the end of this day.")

    def __str__(self) -> str:
        return self.name


class WantedFilm(models.Model):
    """A film that TMDb is to be asked for. The row goes in the transaction that stores what came of it."""

    tmdb_id = models.BigIntegerField(primary_key=True)
    rank = models.IntegerField(help_text="The lowest first.")

    class Meta:
        indexes = (models.Index(fields=["rank", "tmdb_id"], name="wanted_film_by_rank"),)

    def __str__(self) -> str:
        return str(self.tmdb_id)


class WantedSearch(models.Model):
    """What somebody typed and the catalogue has too little of. Nobody's row: it tells not who it was."""

    digest = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of the words.")
    words = models.CharField(max_length=200, help_text="What TMDb is to be asked for; blank once it was.")
    until = models.DateTimeField(db_index=True, help_text="TMDb is not asked again before.")

    def __str__(self) -> str:
        return self.digest[:12]


class QuarantinedFilm(models.Model):
    """A film of which TMDb's last answer could not be used: the catalogue keeps what it had."""

    tmdb_id = models.BigIntegerField(primary_key=True)
    reason = models.TextField()
    times = models.PositiveIntegerField(default=1, help_text="In a row.")
    seen_at = models.DateTimeField()
    again_at = models.DateTimeField(help_text="When it is asked for again.", db_index=True)

    def __str__(self) -> str:
        return f"{self.tmdb_id}: {self.reason[:80]}"


class Lookup(models.Model):
    """A film that a client asked for and the catalogue lacks: TMDb is being asked, or said that there is none."""

    class State(models.TextChoices):
        ASKING = "asking"
        MISSING = "missing"
        UNANSWERED = "unanswered"

    tmdb_id = models.BigIntegerField(primary_key=True)
    state = models.CharField(max_length=10, choices=State.choices)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.tmdb_id}: {self.state}"
