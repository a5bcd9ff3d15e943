"""A film as clients see it: its card in lists, its detail alone, and what it is to the person who asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.http import HttpRequest
from ninja import Field, Schema

from matinee.api.authentication import SignedInRequest, cards_standing, ceiling_of, reader_of
from matinee.api.read_ahead import standing_read
from matinee.catalog.cards import Deck, deck_of, encoded_film
from matinee.catalog.ceiling import hides_any, may_be_shown, permitted
from matinee.catalog.encoding import joined
from matinee.catalog.lookup import UnknownMovie
from matinee.library.history import flags_on, history_of
from matinee.library.models import Entry, MovieRating
from matinee.library.queries import NO_FLAGS, Flags, films_of, number_of
from matinee.recommendations.rating_prediction import predict_rating


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


class CastMember(Schema):
    id: int = Field(description="TMDb's, as with_cast and with_people take it.")
    name: str
    profile_path: str | None
    profile_url: str | None
    character: str | None
    order: int = Field(description="0 is billed first.")


class CrewMember(Schema):
    id: int = Field(description="TMDb's, as with_crew and with_people take it.")
    name: str
    profile_path: str | None
    profile_url: str | None
    job: str
    department: str | None


class Credits(Schema):
    """At most 50 each: the first of the cast, and the crew with the main jobs first."""

    cast: list[CastMember]
    crew: list[CrewMember]


class Collection(Schema):
    id: int
    name: str
    poster_path: str | None
    poster_url: str | None
    backdrop_path: str | None
    backdrop_url: str | None


class Provider(Schema):
    id: int = Field(description="TMDb's, as with_watch_providers takes it.")
    name: str
    logo_path: str | None
    logo_url: str | None


class WatchProviders(Schema):
    attribution: str = Field(description="To be shown with it: TMDb's terms ask for it.")
    link: str = Field(description="TMDb's page with the links; `?locale=US` for a region.")
    providers: list[Provider]
    regions: dict[str, dict[str, list[int]]] = Field(
        description="By ISO 3166 code, and by ads, buy, flatrate, free or rent: ids of providers."
    )


class Video(Schema):
    site: str = Field(description="YouTube or Vimeo.")
    key: str
    url: str
    name: str | None
    type: str | None = Field(description="Trailer, Teaser, Clip, …")
    official: bool
    language: str | None
    published_at: dt.datetime | None


class AlternativeTitle(Schema):
    country: str
    title: str
    type: str | None


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
    credits: Credits
    keyword_ids: list[int] = Field(description="TMDb's, in the order of `keywords`; empty where only names are known.")
    collection: Collection | None
    certifications: dict[str, str] = Field(description="By ISO 3166 code.")
    watch_providers: WatchProviders | None
    videos: list[Video] = Field(description="Official trailers first.")
    alternative_titles: list[AlternativeTitle]
    predicted_rating: float | None = Field(
        None,
        ge=1,
        le=5,
        description="Signed in only: the stars that I would give it had I not rated it; null where nothing tells.",
    )


def cards_of(request: HttpRequest, tmdb_ids: Sequence[int]) -> dict[int, bytes]:
    """The cards of these films for whoever asks, as JSON, in their order; a film that is gone is left out.

    The same number of queries for one film and for 100.
    """
    standing = cards_standing(request) or standing_read()
    return with_flags(request, deck_of(permitted(tmdb_ids, ceiling_of(request)), standing))


def with_flags(request: HttpRequest, deck: Deck) -> dict[int, bytes]:
    """Its cards, for whoever asks."""
    reader = reader_of(request)
    if reader is None:
        return {tmdb_id: card + b"}" for tmdb_id, card in zip(deck.pks, deck.cards, strict=True)}
    flags = flags_on(deck.pks, user=reader)
    return {
        tmdb_id: card + (_closing(flags[tmdb_id]) if tmdb_id in flags else CLOSING)
        for tmdb_id, card in zip(deck.pks, deck.cards, strict=True)
    }


def detail_of(request: HttpRequest, tmdb_id: int) -> bytes:
    """All that is known of a film, for whoever asks. Raises UnknownMovie."""
    film = encoded_film(tmdb_id, cards_standing(request))
    must_be_shown(request, tmdb_id)
    reader = reader_of(request)
    if reader is None:
        return film.detail + b"}"
    flags, stars = history_of(reader).flags.get(tmdb_id, NO_FLAGS), predict_rating(user=reader, tmdb_id=tmdb_id)
    return joined(film.detail, {**flags._asdict(), "predicted_rating": stars})


def part_of(
    request: SignedInRequest, kind: type[Entry | MovieRating], span: slice
) -> tuple[slice | Sequence[int], int]:
    """What stands in these places of a person's list, and how many there are in all: what is hidden takes no place."""
    own = ceiling_of(request)
    if not hides_any(own):
        return span, number_of(kind, user=request.auth)
    shown = permitted(films_of(kind, user=request.auth), own)
    return shown[span], len(shown)


def must_be_shown(request: HttpRequest, tmdb_id: int) -> None:
    """Raises UnknownMovie for a film above the ceiling of the person who asks: as good as not there.

    Of a film that was found: what the catalogue lacks is fetched first, whoever asks.
    """
    own = ceiling_of(request)
    if own is not None and not may_be_shown(tmdb_id, own):
        raise UnknownMovie.of(tmdb_id)


def with_more(card: bytes, more: Mapping[str, Any]) -> bytes:
    """`card` with `more` in it; bytes in there are JSON already."""
    return joined(card[:-1], more)


@cache
def _closing(flags: Flags) -> bytes:
    """What closes a card: there are two dozen of them."""
    return joined(b"", flags._asdict())


CLOSING = _closing(NO_FLAGS)
