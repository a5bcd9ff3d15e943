"""The shapes of answers, for the published schema; a test holds every real answer against them."""

from __future__ import annotations

import datetime as dt
from typing import Generic, Literal, TypeVar

from ninja import Field, Schema

from matinee.api.cards import Card

Item = TypeVar("Item")


class Page(Schema, Generic[Item]):
    page: int
    page_size: int
    total_pages: int
    total_results: int = Field(description="How many can be paged.")
    next: str | None
    previous: str | None
    results: list[Item]


class ProblemField(Schema):
    field: str
    message: str
    code: str


class Problem(Schema):
    """RFC 9457. `code` is stable; docs/api.md lists them."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemField]


class GenreOut(Schema):
    id: int
    name: str


class Genres(Schema):
    genres: list[GenreOut]


class Suggestion(Schema):
    id: int
    tmdb_id: int
    title: str
    year: int | None
    poster_url: str | None


class Suggestions(Schema):
    results: list[Suggestion] = Field(description="The likeliest first, at most 10.")


class Entry(Card):
    """A film on one of my lists."""

    created_at: dt.datetime = Field(description="When I put it there.")


class RatedCard(Card):
    """A film that I rated."""

    rating: int = Field(ge=1, le=5)
    review: str
    review_private: bool
    created_at: dt.datetime
    updated_at: dt.datetime


class Rate(Schema):
    """My opinion of a film, null where I have none, and everybody's."""

    rating: int | None
    review: str | None
    created_at: dt.datetime | None
    updated_at: dt.datetime | None
    average: float | None
    count: int
    distribution: dict[str, int] = Field(description="How many gave 1, 2, 3, 4 and 5.")


class Review(Schema):
    id: int
    username: str
    rating: int
    review: str
    created_at: dt.datetime
    updated_at: dt.datetime


class ReasonOut(Schema):
    id: int
    tmdb_id: int
    title: str
    share: float = Field(description="Its part of all positive contributions, 0 to 1.")


class FoundFilm(Card):
    matched: list[Literal["title", "alternative_title", "person", "keyword", "overview", "year", "id"]] = Field(
        description="Where a word of q stands, or nearly so where none stands exactly; title is the original one, too."
    )


class Recommendation(Card):
    score: float = Field(description="No unit; compares within one answer.")
    because: list[ReasonOut] = Field(description="The films of mine that carried it, strongest first, at most 5.")
    source: str = Field(description="taste, similar or popular.")


class PersonalRecommendation(Recommendation):
    predicted_rating: float | None = Field(
        ge=1, le=5, description="The stars that I would give it; null where nothing tells."
    )


class Recommendations(Page[PersonalRecommendation]):
    model_version: str | None
    personalised: bool = Field(description="false: I have given nothing to go on yet.")
