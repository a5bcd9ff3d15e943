"""What a row takes on PostgreSQL with its indexes: fills the empty database that the environment names, in bulk."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys

from django.core.management import call_command
from django.db import connection

import benchmarks.django_ready  # noqa: F401 - models can be imported from here on
from matinee.accounts.models import RefreshToken, Session, User, UserProfile
from matinee.audit.models import Event
from matinee.catalog.models import Movie
from matinee.library.models import Favorite, MovieRating

PEOPLE, FILMS, EACH = 500, 1_000, 100
"""So many ratings, favourites and events of the trail a person."""
NOW = dt.datetime(2026, 11, 1, 20, 0, tzinfo=dt.UTC)


def main() -> None:
    call_command("migrate", verbosity=0)
    _fill()
    json.dump(_bytes_a_row(), sys.stdout)


def _fill() -> None:
    people = User.objects.bulk_create(
        User(
            email=f"somebody.of.{number:08}@example.org",
            email_key=f"somebody.of.{number:08}@example.org",
            username=f"somebody-{number:08}",
            username_key=f"somebody-{number:08}",
            password=f"argon2$argon2id$v=19$m=102400,t=2,p=8${'c' * 22}${number:043}",
            date_joined=NOW,
        )
        for number in range(PEOPLE)
    )
    UserProfile.objects.bulk_create(UserProfile(user=person, created_at=NOW, updated_at=NOW) for person in people)
    sessions = Session.objects.bulk_create(
        Session(user=person, device="Firefox", address="203.0.113.0", created_at=NOW, last_used_at=NOW, expires_at=NOW)
        for person in people
    )
    RefreshToken.objects.bulk_create(RefreshToken(session=session, digest=os.urandom(32)) for session in sessions)
    films = Movie.objects.bulk_create(
        Movie(tmdb_id=number, title=f"Film {number}", created_at=NOW, updated_at=NOW) for number in range(1, FILMS + 1)
    )
    for place, person in enumerate(people):
        chosen = [films[(place * 7 + number * 3) % FILMS] for number in range(EACH)]
        at = NOW + dt.timedelta(seconds=place)
        MovieRating.objects.bulk_create(
            MovieRating(user=person, movie=film, rating=4, created_at=at, updated_at=at) for film in chosen
        )
        Favorite.objects.bulk_create(Favorite(user=person, movie=film, created_at=at) for film in chosen)
        Event.objects.bulk_create(
            Event(
                at=at,
                action="rating.created",
                actor=person.audit_key,
                subject=person.audit_key,
                target=f"movie:{film.tmdb_id}",
                changes='{"rating":4}',
                request_id=os.urandom(16).hex(),
                network="203.0.113.0/24",
            )
            for film in chosen
        )


def _bytes_a_row() -> dict[str, float]:
    with connection.cursor() as cursor:
        found = {}
        for table in (
            "accounts_user",
            "accounts_userprofile",
            "accounts_session",
            "accounts_refreshtoken",
            "library_movierating",
            "library_favorite",
            "audit_event",
        ):
            cursor.execute(f"VACUUM ANALYZE {table}")
            cursor.execute(f"SELECT pg_total_relation_size('{table}')::float / count(*) FROM {table}")
            found[table] = round(cursor.fetchone()[0], 1)
    return found


if __name__ == "__main__":
    main()
