"""The rows that both servers hold: real films, varied and labelled to reach a number, and people with their lists.

Run with MATINEE_DATA_DIR set, it fills Matinee's database there, and writes the same rows as JSON for the peer to load.
"""

from __future__ import annotations

import argparse
import copy
import datetime as dt
import json
import random
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first
from django.core.serializers.json import DjangoJSONEncoder  # noqa: E402 - as above
from django.db.models import F, Model, QuerySet  # noqa: E402 - as above

from matinee.accounts.models import User  # noqa: E402 - as above
from matinee.accounts.services import create_user  # noqa: E402 - as above
from matinee.catalog.cards import refresh_cards  # noqa: E402 - as above
from matinee.catalog.columns import refresh_columns  # noqa: E402 - as above
from matinee.catalog.models import Genre, Movie  # noqa: E402 - as above
from matinee.catalog.starter import load_starter  # noqa: E402 - as above
from matinee.library.models import Favorite, MovieRating, Watchlist  # noqa: E402 - as above

OTHERS = 20
FAVORITES, WATCHLIST, RATINGS = 50, 30, 60
AMONG_MOST_POPULAR = 400
FIRST_VARIANT_ID = 1_000_000_000
OVERVIEW = (
    "Text of the benchmark, as long as most films' own: the packaged films are facts alone and carry none. " * 3
).strip()
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def fill(*, films: int, username: str, password: str) -> None:
    """Bring the database to exactly `films` films, some people and their lists, and publish the catalogue's columns.

    `username` is the person whose requests are measured.
    """
    load_starter(now=NOW)
    kept = _most_popular_first().values_list("pk", flat=True)[:films]
    Movie.objects.exclude(pk__in=list(kept)).delete()
    real = list(Movie.objects.order_by("tmdb_id"))
    chance = random.Random(films)
    variants = [_variant(real[number % len(real)], number, chance) for number in range(films - len(real))]
    Movie.objects.bulk_create(variants, batch_size=500)
    Movie.objects.update(overview=OVERVIEW, poster_path="/poster-of-the-benchmark.jpg", backdrop_path="/backdrop.jpg")
    _add_people(username, password, chance)
    refresh_columns()
    refresh_cards()


def rows(*, username: str, password: str) -> dict[str, list[dict[str, object]]]:
    """Everything that the peer needs, by name; row ids are ours."""

    return {
        "genres": _values(Genre),
        "films": _values(Movie, without=("collection_id", "digests")),
        "people": [
            {"id": user.pk, "username": user.username, "password": password if user.username == username else None}
            for user in User.objects.order_by("pk")
        ],
        "favorites": _values(Favorite),
        "watchlist": _values(Watchlist),
        "ratings": _values(MovieRating, without=("review_private", "review_hidden")),
    }


def _most_popular_first() -> QuerySet[Movie]:
    return Movie.objects.order_by(F("popularity").desc(nulls_last=True), "tmdb_id")


def _variant(film: Movie, number: int, chance: random.Random) -> Movie:
    """A film like a real one, with numbers and a title of its own; `number` counts all variants from 0."""
    variant = copy.copy(film)
    variant.pk = None
    variant.digests = None  # its lists stay with the real film
    variant.tmdb_id = FIRST_VARIANT_ID + number
    variant.title = f"{film.title} (variant {number + 1})"
    for fact in ("popularity", "vote_count", "revenue", "budget"):
        value = getattr(film, fact)
        if value is not None:
            setattr(variant, fact, type(value)(value * chance.uniform(0.3, 0.95)))
    if film.release_date is not None:
        variant.release_date = film.release_date + dt.timedelta(days=chance.randrange(-1_500, 1_500))
    return variant


def _add_people(username: str, password: str, chance: random.Random) -> None:
    popular = list(_most_popular_first()[:AMONG_MOST_POPULAR])
    names = [username, *(f"other{number}" for number in range(1, OTHERS + 1))]
    people = [create_user(email=f"{name}@example.org", username=name, password=password, now=NOW) for name in names]
    for person in people:
        chosen = [
            [(movie, NOW - dt.timedelta(minutes=place)) for place, movie in enumerate(chance.sample(popular, number))]
            for number in (min(FAVORITES, len(popular)), min(WATCHLIST, len(popular)), min(RATINGS, len(popular)))
        ]
        Favorite.objects.bulk_create([Favorite(user=person, movie=movie, created_at=at) for movie, at in chosen[0]])
        Watchlist.objects.bulk_create([Watchlist(user=person, movie=movie, created_at=at) for movie, at in chosen[1]])
        MovieRating.objects.bulk_create(
            [
                MovieRating(user=person, movie=movie, rating=chance.randint(1, 5), created_at=at, updated_at=at)
                for movie, at in chosen[2]
            ]
        )


def _values(model: type[Model], without: tuple[str, ...] = ()) -> list[dict[str, object]]:
    columns = [field.attname for field in model._meta.concrete_fields if field.attname not in without]  # noqa: SLF001 - Django's public name for it
    return list(model._default_manager.order_by("pk").values(*columns))  # noqa: SLF001 - Django's public name for it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, required=True)
    parser.add_argument("--username", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    person = {"username": arguments.username, "password": arguments.password}
    call_command("migrate", verbosity=0)
    fill(films=arguments.films, **person)
    arguments.out.write_text(json.dumps(rows(**person), cls=DjangoJSONEncoder))


if __name__ == "__main__":
    main()
