"""The rows that all servers hold: real films, then made-up ones to reach a number, and people with their lists.

Run with MATINEE_DATA_DIR set, it fills Matinee's database there, and writes the same rows as JSON for the peers.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import F, Field, QuerySet

import benchmarks.django_ready  # noqa: F401 - models can be imported from here on
from benchmarks.made_up import FIRST_MADE_UP, made_up
from matinee.accounts.models import User
from matinee.accounts.services import create_user
from matinee.catalog.film_lists import LISTS
from matinee.catalog.models import Genre, Movie
from matinee.catalog.starter import load_starter
from matinee.library.models import Favorite, MovieRating, Watchlist

OTHERS = 20
FAVORITES, WATCHLIST, RATINGS = 50, 30, 60
AMONG_MOST_POPULAR = 400
AT_ONCE = 5_000
OVERVIEW = (
    "Text of the benchmark, as long as most films' own: the packaged films are facts alone and carry none. " * 3
).strip()
PICTURES = {"poster_path": "/poster-of-the-benchmark.jpg", "backdrop_path": "/backdrop.jpg"}
LISTS_OF_MADE_UP = """
INSERT INTO {table} (movie_id, {columns})
SELECT movie.id, {values} FROM catalog_movie movie
JOIN source ON source.place = (movie.tmdb_id - %s) %% %s
JOIN {table} entry ON entry.movie_id = source.movie_id
WHERE movie.tmdb_id >= %s ORDER BY movie.id
"""
"""`source` tells of which real film each one is made."""
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def fill(*, films: int, username: str, password: str) -> None:
    """Bring the (new) database to exactly `films` films, some people and their lists; nothing of it is published.

    While nothing is, nobody consumes changes, and the triggers on films write none. `username` is the person whose
    requests are measured.
    """
    load_starter(now=NOW)
    kept = _most_popular_first().values_list("pk", flat=True)[:films]
    Movie.objects.exclude(pk__in=list(kept)).delete()
    Movie.objects.update(overview=OVERVIEW, **PICTURES)
    chance = random.Random(films)
    with transaction.atomic():
        _add_made_up(films - Movie.objects.count(), chance)
    _add_people(username, password, chance)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def rows(*, username: str, password: str, films: int) -> dict[str, list[dict[str, object]]]:
    """What a peer needs, by name, with the `films` most popular films; row ids are ours."""
    most_popular = Movie.objects.filter(pk__in=_most_popular_first().values("pk")[:films])
    return {
        "genres": _values(Genre.objects.all()),
        "films": _values(most_popular, without=("collection_id", "digests")),
        "people": [
            {"id": user.pk, "username": user.username, "password": password if user.username == username else None}
            for user in User.objects.order_by("pk")
        ],
        "favorites": _values(Favorite.objects.all()),
        "watchlist": _values(Watchlist.objects.all()),
        "ratings": _values(MovieRating.objects.all(), without=("review_private", "review_hidden")),
    }


def _most_popular_first() -> QuerySet[Movie]:
    return Movie.objects.order_by(F("popularity").desc(nulls_last=True), "tmdb_id")


def _add_made_up(number: int, chance: random.Random) -> None:
    """Variants of the real films, with the lists of the films that they are made of; written out, since making models
    of a million rows takes several times as long as writing them."""
    fields = [field for field in Movie._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - Django's public name for it
    real = list(Movie.objects.order_by("pk").values("pk", *(field.attname for field in fields)))
    as_stored = [_stored(fields, film) for film in real]
    by_name = {field.attname: field for field in fields}

    def films() -> Iterator[Sequence[Any]]:
        for place, variant in enumerate(itertools.islice(made_up(real, chance), number)):
            changed = _stored([by_name[name] for name in variant], variant)
            yield list((as_stored[place % len(real)] | changed).values())

    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        for batch in _batches(films()):
            cursor.executemany(f"INSERT INTO catalog_movie ({columns}) VALUES ({places})", batch)
        cursor.execute("CREATE TEMPORARY TABLE source (place bigint PRIMARY KEY, movie_id bigint)")
        cursor.executemany(
            "INSERT INTO source VALUES (%s, %s)", [(place, film["pk"]) for place, film in enumerate(real)]
        )
        for kind in LISTS.values():
            own = [connection.ops.quote_name(column) for column in kind.columns[1:]]
            cursor.execute(
                LISTS_OF_MADE_UP.format(
                    table=kind.model._meta.db_table,  # noqa: SLF001 - Django's public name for it
                    columns=", ".join(own),
                    values=", ".join(f"entry.{column}" for column in own),
                ),
                [FIRST_MADE_UP, len(real), FIRST_MADE_UP],
            )
        cursor.execute("DROP TABLE source")


def _stored(fields: Iterable[Field[Any, Any]], film: dict[str, Any]) -> dict[str, Any]:
    return {field.attname: field.get_db_prep_save(film[field.attname], connection) for field in fields}


def _batches(items: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, AT_ONCE)):
        yield batch


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


def _values(films: QuerySet[Any], without: tuple[str, ...] = ()) -> list[dict[str, object]]:
    columns = [field.attname for field in films.model._meta.concrete_fields if field.attname not in without]  # noqa: SLF001 - Django's public name for it
    return list(films.order_by("pk").values(*columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, required=True)
    parser.add_argument("--told", type=int, help="how many of them are written out; all where nothing is said")
    parser.add_argument("--username", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    person = {"username": arguments.username, "password": arguments.password}
    call_command("migrate", verbosity=0)
    fill(films=arguments.films, **person)
    told = rows(**person, films=arguments.told or arguments.films)
    arguments.out.write_text(json.dumps(told, cls=DjangoJSONEncoder))


if __name__ == "__main__":
    main()
