"""The starter catalogue: real films that a fresh instance begins with. Facts alone; NOTICE names their source."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from django.db import transaction

from matinee.catalog.facts import Facts, StoreReport, blanks_filled, known_facts, store_facts
from matinee.catalog.models import Genre

ATTRIBUTION = "Film data from TMDb. This product uses the TMDB API but is not endorsed or certified by TMDB."


@transaction.atomic
def load_starter(*, now: dt.datetime, on_progress: Callable[[int], None] = lambda _: None) -> StoreReport:
    """Add the starter films and their genres. A film that is there keeps every fact it has and gains those it lacks."""
    content = starter_content()
    genres = [Genre(id=int(id_), name=name) for id_, name in content["genres"].items()]
    Genre.objects.bulk_create(genres, ignore_conflicts=True)
    films = [_facts(film, content) for film in content["films"]]
    return store_facts(films, choose=blanks_filled, now=now, on_progress=on_progress)


def starter_facts() -> list[Facts]:
    """The packaged films as they are stored."""
    content = starter_content()
    return [_facts(film, content) for film in content["films"]]


def starter_content() -> dict[str, Any]:
    """The packaged file as it is: names of genres, people, keywords, companies, countries and languages, and
    the films."""
    packed = resources.files("matinee.catalog").joinpath("data/starter.json.gz").read_bytes()
    content: dict[str, Any] = json.loads(gzip.decompress(packed))
    return content


def _facts(film: dict[str, Any], content: dict[str, Any]) -> Facts:
    people, companies = content["people"], content["companies"]
    countries, languages = content["countries"], content["languages"]
    references = ("genres", "cast", "directors", "keywords", "companies", "countries", "languages")
    directing = {"job": "Director", "department": "Directing"}
    return known_facts(
        {name: value for name, value in film.items() if name not in references}
        | {
            "genre_ids": film["genres"],
            "cast_members": [
                {"id": id_, "name": people[str(id_)], "character": character} for id_, character in film["cast"]
            ],
            "crew_members": [{"id": id_, "name": people[str(id_)], **directing} for id_ in film["directors"]],
            "keyword_tags": [{"id": id_, "name": content["words"][str(id_)]} for id_ in film["keywords"]],
            "production_companies": [{"id": id_, "name": companies[str(id_)]} for id_ in film["companies"]],
            "production_countries": [{"iso_3166_1": code, "name": countries[code]} for code in film["countries"]],
            "spoken_languages": [{"iso_639_1": code, "name": languages[code]} for code in film["languages"]],
        }
    )
