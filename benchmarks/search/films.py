"""Real films, read where they lie into a database of the benchmark's own; nothing of them goes into the project."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management import call_command

from benchmarks.search.known_items import Film
from matinee.catalog.facts import blanks_filled, known_facts, store_facts
from matinee.catalog.models import Movie

FILES = ("tmdb-5000-with-credits.jsonl.gz", "tmdb-movies-2000-2012.jsonl.gz")
PLAIN = (
    *("title", "original_title", "original_language", "overview", "release_date", "runtime"),
    *("popularity", "vote_average", "vote_count", "imdb_id"),
)
READ = (
    *("tmdb_id", "title", "original_title", "release_date", "vote_count"),
    *("directors", "cast", "keywords"),
)


def load(shared: Path, *, with_credits: bool = True) -> list[Film]:
    """Fill the database with the films of `shared`, or what it lacks of them; the most voted for first."""
    call_command("migrate", interactive=False, verbosity=0)
    facts: dict[int, dict[str, Any]] = {}
    for name in FILES:
        for film in _films(shared / name, with_credits=with_credits):
            facts.setdefault(film["tmdb_id"], {}).update(film)
    store_facts(list(facts.values()), choose=blanks_filled, now=dt.datetime.now(dt.UTC))
    rows = Movie.objects.order_by("-vote_count", "tmdb_id")
    return [_film(movie) for movie in rows.only(*READ)]


def _film(movie: Movie) -> Film:
    year = movie.release_date.year if movie.release_date else None
    facts = movie.directors, movie.cast, movie.keywords
    return Film(movie.tmdb_id, movie.title, movie.original_title, year, movie.vote_count or 0, *facts)


def _films(path: Path, *, with_credits: bool) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            film = json.loads(line)
            if film.get("id") and film.get("title"):
                yield known_facts({**_plain(film), **(_credits(film) if with_credits else {})})


def _plain(film: Mapping[str, Any]) -> dict[str, Any]:
    genres = [genre["id"] for genre in film["genres"]]
    return {"tmdb_id": film["id"], "genre_ids": genres, **{name: film.get(name) for name in PLAIN}}


def _credits(film: Mapping[str, Any]) -> dict[str, Any]:
    credits_ = film.get("credits")
    if not credits_:
        return {}
    return {
        "cast": [person["name"] for person in credits_["cast"]],
        "directors": [person["name"] for person in credits_["crew"] if person["job"] == "Director"],
        "keywords": [keyword["name"] for keyword in film["keywords"]["keywords"]],
    }
