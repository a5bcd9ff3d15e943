"""A film of TMDb's under the names that `catalog.facts` gives to what it stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee.tmdb.payloads import Film

BILLED_FIRST = 5
"""As many of the cast as the starter films have."""


def raw_facts(film: Film) -> Mapping[str, Any]:
    crew = film.credits.crew if film.credits else ()
    cast = sorted(film.credits.cast if film.credits else (), key=lambda member: member.order)
    return {
        "tmdb_id": film.id,
        "title": film.title,
        "original_title": film.original_title,
        "overview": film.overview,
        "tagline": film.tagline,
        "poster_path": film.poster_path,
        "backdrop_path": film.backdrop_path,
        "release_date": film.release_date.isoformat() if film.release_date else None,
        "runtime": film.runtime,
        "vote_average": film.vote_average,
        "vote_count": film.vote_count,
        "popularity": film.popularity,
        "genre_ids": [genre.id for genre in film.genres],
        "imdb_id": film.imdb_id or (film.external_ids.imdb_id if film.external_ids else None),
        "original_language": film.original_language,
        "budget": film.budget,
        "revenue": film.revenue,
        "status": film.status,
        "production_companies": [{"id": one.id, "name": one.name} for one in film.production_companies],
        "production_countries": [{"iso_3166_1": one.iso_3166_1, "name": one.name} for one in film.production_countries],
        "spoken_languages": [{"iso_639_1": one.iso_639_1, "name": one.name} for one in film.spoken_languages],
        "keywords": [keyword.name for keyword in film.keywords.keywords] if film.keywords else [],
        "directors": [member.name for member in crew if member.job == "Director"],
        "cast": [member.name for member in cast[:BILLED_FIRST]],
    }
