"""The one encoder of films: what clients see of a film itself, whoever asks, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from matinee.catalog.models import Genre, Movie

IMAGES = "https://image.tmdb.org/t/p"


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


def encoded(movie: Movie, genres: Mapping[int, str]) -> EncodedFilm:
    """`genres` names all genres by id. Raises TypeError where a list of the row holds what no JSON can say."""
    name, card, rest = (orjson.dumps(facts)[1:-1] for facts in (_name(movie), _card(movie, genres), _rest(movie)))
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
