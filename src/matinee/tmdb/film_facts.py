"""A film of TMDb's under the names that `catalog.facts` gives to what it stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matinee.tmdb.payloads import CountryReleases, Film

OFFER_KINDS = ("flatrate", "free", "ads", "rent", "buy")
THEATRICAL = 3
"""Of a country's certifications, that for cinemas counts; a premiere or a disc may have another one."""


def raw_facts(film: Film) -> Mapping[str, Any]:
    """Only what the answer told of: a part that was not in it leaves the catalogue's as it is."""
    return {**_own(film), **_people_and_words(film), **_offers_and_videos(film)}


def _own(film: Film) -> dict[str, Any]:
    collection = film.belongs_to_collection
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
        "collection": None
        if collection is None
        else {
            "id": collection.id,
            "name": collection.name,
            "poster_path": collection.poster_path,
            "backdrop_path": collection.backdrop_path,
        },
    }


def _people_and_words(film: Film) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if film.credits is not None:
        told["cast_members"] = [
            {"id": one.id, "name": one.name, "profile_path": one.profile_path, "character": one.character}
            for one in sorted(film.credits.cast, key=lambda one: one.order)
        ]
        told["crew_members"] = [
            {
                "id": one.id,
                "name": one.name,
                "profile_path": one.profile_path,
                "job": one.job,
                "department": one.department,
            }
            for one in film.credits.crew
        ]
    if film.keywords is not None:
        told["keyword_tags"] = [{"id": one.id, "name": one.name} for one in film.keywords.keywords]
    if film.alternative_titles is not None:
        told["alternative_titles"] = [
            {"country": one.iso_3166_1, "title": one.title, "kind": one.type} for one in film.alternative_titles.titles
        ]
    return told


def _offers_and_videos(film: Film) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if film.release_dates is not None:
        told["certifications"] = [
            {"country": country.iso_3166_1, "certification": certification}
            for country in film.release_dates.results
            if (certification := _certification(country)) is not None
        ]
    if film.watch_providers is not None:
        told["watch_offers"] = list(_offers(film))
    if film.videos is not None:
        told["videos"] = [
            {
                "site": one.site,
                "key": one.key,
                "name": one.name,
                "kind": one.type,
                "is_official": bool(one.official),
                "language": one.iso_639_1,
                "published_at": one.published_at,
            }
            for one in film.videos.results
        ]
    return told


def _certification(country: CountryReleases) -> str | None:
    in_order = sorted(country.release_dates, key=lambda release: release.type != THEATRICAL)
    return next((release.certification for release in in_order if release.certification), None)


def _offers(film: Film) -> Iterator[dict[str, Any]]:
    for region, offered in film.watch_providers.results.items() if film.watch_providers else ():
        for kind in OFFER_KINDS:
            for one in getattr(offered, kind):
                yield {
                    "region": region,
                    "kind": kind,
                    "id": one.provider_id,
                    "name": one.provider_name,
                    "logo_path": one.logo_path,
                }
