"""Writing the lists of films, and what several films tell of alike, by as few statements as there are tables."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection, models

from matinee.catalog.film_lists import COLLECTION, LISTS, Entries, FilmList, names_of, rows_of
from matinee.catalog.models import CastMember, Collection, CrewMember, Keyword, KeywordTag, Movie, Person
from matinee.core import instants

READ_AT_ONCE = 2_000
INSERT = "INSERT INTO {table} ({columns}) VALUES ({places})"
NAMED = ("cast_members", "crew_members", "keyword_tags")


def one_writer() -> None:
    """Let one transaction at a time write facts, as on SQLite: two that bring the same people in other orders would
    wait for each other's rows for ever."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE catalog_person IN SHARE ROW EXCLUSIVE MODE")


def write_lists(films: Mapping[int, Mapping[str, Entries]], *, now: dt.datetime) -> None:
    """Put these lists, by Movie.pk and name, in place of those that were there; the caller writes the films' own rows.

    Films beside them that tell of somebody who is called otherwise now are told anew here.
    """
    renamed = _write_shared(films)
    for name, kind in LISTS.items():
        _replace(kind, {movie_pk: lists[name] for movie_pk, lists in films.items() if name in lists})
    _retell(_films_with(renamed), now=now)


def _replace(kind: FilmList, told: Mapping[int, Entries]) -> None:
    """Written out, since making models of the rows takes several times as long as writing them."""
    if not told:
        return
    rows_of(kind.model).filter(movie__in=told).delete()
    columns = ", ".join(map(connection.ops.quote_name, kind.columns))
    table = kind.model._meta.db_table  # noqa: SLF001 - Django's public name for it
    statement = INSERT.format(table=table, columns=columns, places=", ".join(["%s"] * len(kind.columns)))
    rows = [tuple(map(_adapted, row)) for movie_pk, entries in told.items() for row in kind.rows(movie_pk, entries)]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def _adapted(value: Any) -> Any:
    return instants.stored(value) if isinstance(value, dt.datetime) else value


def _write_shared(films: Mapping[int, Mapping[str, Entries]]) -> dict[type[models.Model], list[int]]:
    """By model the ids of those that were known and are told otherwise now."""
    told: dict[type[models.Model], dict[int, models.Model]] = defaultdict(dict)
    for name, kind in {**LISTS, "collection": COLLECTION}.items():
        if kind.shared is not None:
            told[kind.shared] |= kind.shared_rows(entry for lists in films.values() for entry in lists.get(name, ()))
    return {model: _upsert(model, rows) for model, rows in told.items()}


def _upsert(model: type[models.Model], told: Mapping[int, models.Model]) -> list[int]:
    names = [field.name for field in model._meta.fields if not field.primary_key]  # noqa: SLF001 - Django's public name for it
    there: dict[int, dict[str, Any]] = {}
    for ids in _batches(sorted(told)):
        there |= {row["id"]: row for row in rows_of(model).filter(id__in=ids).values("id", *names)}
    changed = []
    for id_, known in there.items():
        values = {name: getattr(told[id_], name) for name in names}
        if any(value not in {None, known[name]} for name, value in values.items()):
            changed.append(id_)
            for name in names:  # nothing is told of it here; it stays what it was
                setattr(told[id_], name, known[name] if values[name] is None else values[name])
    written = [told[id_] for id_ in sorted({*told} - {*there} | {*changed})]
    rows_of(model).bulk_create(written, update_conflicts=True, unique_fields=["id"], update_fields=names)
    return changed


def _films_with(renamed: Mapping[type[models.Model], list[int]]) -> list[int]:
    """Of a provider all films tell: the database's trigger on its row says so."""
    films: set[int] = set()
    if people := renamed[Person]:
        films.update(CastMember.objects.filter(person__in=people).values_list("movie_id", flat=True))
        films.update(CrewMember.objects.filter(person__in=people).values_list("movie_id", flat=True))
    if keywords := renamed[Keyword]:
        films.update(KeywordTag.objects.filter(keyword__in=keywords).values_list("movie_id", flat=True))
    if collections := renamed[Collection]:
        films.update(Movie.objects.filter(collection__in=collections).values_list("pk", flat=True))
    return sorted(films)


def _retell(movie_pks: list[int], *, now: dt.datetime) -> None:
    for pks in _batches(movie_pks):
        lists = {name: LISTS[name].read(pks) for name in NAMED}
        movies = list(Movie.objects.filter(pk__in=pks))
        for movie in movies:
            told = {name: of_films[movie.pk] for name, of_films in lists.items() if movie.pk in of_films}
            for column, names in names_of(told).items():
                setattr(movie, column, names)
            movie.updated_at = now
        Movie.objects.bulk_update(movies, ["cast", "directors", "keywords", "updated_at"], batch_size=100)


def _batches(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + READ_AT_ONCE] for start in range(0, len(ids), READ_AT_ONCE))
