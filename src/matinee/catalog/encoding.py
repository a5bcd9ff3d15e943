"""The one encoder of films: what clients see of a film itself, whoever asks, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from matinee.catalog.film_lists import VIDEO_ADDRESSES, CastEntry, CrewEntry, Entries, OfferEntry, VideoEntry
from matinee.catalog.models import Collection, Genre, Movie

IMAGES = "https://image.tmdb.org/t/p"
WHERE_TO_WATCH = "https://www.themoviedb.org/movie"
JUSTWATCH = "Where to watch: data from JustWatch."
"""TMDb's terms ask for it wherever watch providers are shown."""
NO_LISTS: Mapping[str, Entries] = {}


class EncodedFilm(NamedTuple):
    """A film's JSON as one object that is still open, so that more can be joined to it: `joined` closes it.

    Its name (id, tmdb_id, title) is the beginning of its card, and the card is the beginning of all that is known.
    """

    pk: int
    detail: bytes
    name_end: int
    card_end: int

    @property
    def name(self) -> bytes:
        return self.detail[: self.name_end]

    @property
    def card(self) -> bytes:
        return self.detail[: self.card_end]


def joined(opened: bytes, more: Mapping[str, Any]) -> bytes:
    """The object that `opened` begins, with `more` in it, closed. Bytes in `more` are JSON already."""
    return opened + b"," + orjson.dumps(more, default=orjson.Fragment)[1:]


def encoded(movie: Movie, genres: Mapping[int, str], lists: Mapping[str, Entries] = NO_LISTS) -> EncodedFilm:
    """`genres` names all genres by id; `lists` are the film's own, by name.

    Raises TypeError where a list of the row holds what no JSON can say.
    """
    more = {**_rest(movie), **_people(lists), **_around(movie, lists)}
    name, card, rest = (orjson.dumps(facts)[1:-1] for facts in (_name(movie), _card(movie, genres), more))
    detail = b"{" + b",".join((name, card, rest))
    return EncodedFilm(movie.pk, detail, name_end=1 + len(name), card_end=2 + len(name) + len(card))


def genre_names() -> dict[int, str]:
    return dict(Genre.objects.values_list("id", "name"))


def image_url(path: str | None, size: str) -> str | None:
    return f"{IMAGES}/{size}{path}" if path else None


def _name(movie: Movie) -> dict[str, Any]:
    return {"id": movie.pk, "tmdb_id": movie.tmdb_id, "title": movie.title}


def _card(movie: Movie, genres: Mapping[int, str]) -> dict[str, Any]:
    return {
        "imdb_id": movie.imdb_id,
        "overview": movie.overview,
        "tagline": movie.tagline,
        "release_date": movie.release_date,
        "runtime": movie.runtime,
        "genre_ids": movie.genre_ids,
        "genres": [genres[number] for number in movie.genre_ids if number in genres],
        "original_language": movie.original_language,
        "media_type": movie.media_type,
        "vote_average": movie.vote_average,
        "vote_count": movie.vote_count,
        "popularity": movie.popularity,
        "poster_path": movie.poster_path,
        "poster_url": image_url(movie.poster_path, "w500"),
        "backdrop_path": movie.backdrop_path,
        "backdrop_url": image_url(movie.backdrop_path, "w1280"),
    }


def _rest(movie: Movie) -> dict[str, Any]:
    return {
        "budget": movie.budget,
        "revenue": movie.revenue,
        "status": movie.status,
        "production_companies": movie.production_companies,
        "production_countries": movie.production_countries,
        "spoken_languages": movie.spoken_languages,
        "created_at": movie.created_at,
        "updated_at": movie.updated_at,
        "original_title": movie.original_title,
        "keywords": movie.keywords,
        "directors": movie.directors,
        "cast": movie.cast,
    }


def _people(lists: Mapping[str, Entries]) -> dict[str, Any]:
    cast: tuple[CastEntry, ...] = lists.get("cast_members", ())
    crew: tuple[CrewEntry, ...] = lists.get("crew_members", ())
    return {
        "credits": {
            "cast": [
                {**_person(member), "character": member.character, "order": place} for place, member in enumerate(cast)
            ],
            "crew": [{**_person(member), "job": member.job, "department": member.department} for member in crew],
        }
    }


def _around(movie: Movie, lists: Mapping[str, Entries]) -> dict[str, Any]:
    return {
        "keyword_ids": [tag.id for tag in lists.get("keyword_tags", ())],
        "collection": None if movie.collection is None else _collection(movie.collection),
        "certifications": dict(lists.get("certifications", ())),
        "watch_providers": _watch_providers(movie, lists.get("watch_offers", ())),
        "videos": [_video(video) for video in lists.get("videos", ())],
        "alternative_titles": [
            {"country": title.country, "title": title.title, "type": title.kind}
            for title in lists.get("alternative_titles", ())
        ],
    }


def _person(member: CastEntry | CrewEntry) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "profile_path": member.profile_path,
        "profile_url": image_url(member.profile_path, "w185"),
    }


def _collection(collection: Collection) -> dict[str, Any]:
    return {
        "id": collection.pk,
        "name": collection.name,
        "poster_path": collection.poster_path,
        "poster_url": image_url(collection.poster_path, "w500"),
        "backdrop_path": collection.backdrop_path,
        "backdrop_url": image_url(collection.backdrop_path, "w1280"),
    }


def _watch_providers(movie: Movie, offers: tuple[OfferEntry, ...]) -> dict[str, Any] | None:
    """Providers once, and their ids by region and kind: a film may be on offer in a hundred regions."""
    if not offers:
        return None
    providers, regions = {}, dict[str, dict[str, list[int]]]()
    for offer in offers:
        logo = {"logo_path": offer.logo_path, "logo_url": image_url(offer.logo_path, "w92")}
        providers[offer.id] = {"id": offer.id, "name": offer.name, **logo}
        regions.setdefault(offer.region, {}).setdefault(offer.kind, []).append(offer.id)
    return {
        "attribution": JUSTWATCH,
        "link": f"{WHERE_TO_WATCH}/{movie.tmdb_id}/watch",
        "providers": [providers[id_] for id_ in sorted(providers)],
        "regions": regions,
    }


def _video(video: VideoEntry) -> dict[str, Any]:
    return {
        "site": video.site,
        "key": video.key,
        "url": f"{VIDEO_ADDRESSES[video.site]}{video.key}",
        "name": video.name,
        "type": video.kind,
        "official": video.is_official,
        "language": video.language,
        "published_at": video.published_at,
    }
