"""A film as clients see it: its card in lists, its detail alone, and what it is to the person who asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from ninja import Field, Schema

from matinee.accounts.models import User
from matinee.api.authentication import reader_of
from matinee.catalog.models import Genre, Movie
from matinee.library.queries import Flags, flags_of
from matinee.recommendations.rating_prediction import predict_rating

IMAGES = "https://image.tmdb.org/t/p"


class Card(Schema):
    """A movie in a list. The last three fields are there for a signed-in person alone."""

    id: int
    tmdb_id: int
    imdb_id: str | None
    title: str
    overview: str | None
    tagline: str | None
    release_date: dt.date | None
    runtime: int | None = Field(description="Minutes.")
    genre_ids: list[int]
    genres: list[str]
    original_language: str | None
    media_type: str
    vote_average: float | None = Field(description="TMDb's, 0 to 10.")
    vote_count: int | None
    popularity: float | None
    poster_path: str | None
    poster_url: str | None
    backdrop_path: str | None
    backdrop_url: str | None
    is_favorite: bool = Field(default=False, description="Signed in only.")
    in_watchlist: bool = Field(default=False, description="Signed in only.")
    user_rating: int | None = Field(None, description="Signed in only.")


class Detail(Card):
    """A movie alone."""

    budget: int | None = Field(description="US dollars.")
    revenue: int | None = Field(description="US dollars.")
    status: str | None
    production_companies: list[Any]
    production_countries: list[Any]
    spoken_languages: list[Any]
    created_at: dt.datetime
    updated_at: dt.datetime
    original_title: str | None
    keywords: list[str]
    directors: list[str]
    cast: list[str]
    predicted_rating: float | None = Field(
        None,
        ge=1,
        le=5,
        description="Signed in only: the stars that I would give it had I not rated it; null where nothing tells.",
    )


def cards_of(request: HttpRequest, movies: Sequence[Movie]) -> list[dict[str, Any]]:
    """The cards of `movies` for whoever asks, in their order; the same number of queries for one film and for 100."""
    names = genre_names()
    cards = [card(movie, names) for movie in movies]
    reader = reader_of(request)
    if reader is not None:
        _join_flags(cards, reader)
    return cards


def detail_of(request: HttpRequest, movie: Movie) -> dict[str, Any]:
    detail = {**cards_of(request, [movie])[0], **_more_facts(movie)}
    reader = reader_of(request)
    if reader is not None:
        detail["predicted_rating"] = predict_rating(user=reader, movie=movie)
    return detail


def card(movie: Movie, genres: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": movie.pk,
        "tmdb_id": movie.tmdb_id,
        "imdb_id": movie.imdb_id,
        "title": movie.title,
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


def genre_names() -> dict[int, str]:
    return dict(Genre.objects.values_list("id", "name"))


def image_url(path: str | None, size: str) -> str | None:
    return f"{IMAGES}/{size}{path}" if path else None


def _join_flags(cards: Sequence[dict[str, Any]], reader: User) -> None:
    flags = flags_of(user=reader, movie_ids=[card["id"] for card in cards])
    for entry in cards:
        mine = flags.get(entry["id"], Flags())
        entry["is_favorite"] = mine.is_favorite
        entry["in_watchlist"] = mine.in_watchlist
        entry["user_rating"] = mine.user_rating


def _more_facts(movie: Movie) -> dict[str, Any]:
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
