import datetime as dt
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Card(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    tmdb_id: int
    imdb_id: str | None
    title: str
    overview: str | None
    tagline: str | None
    release_date: dt.date | None
    runtime: int | None
    genre_ids: list[int]
    genres: list[str] = Field(default_factory=list)
    original_language: str | None
    media_type: str
    vote_average: float | None
    vote_count: int | None
    popularity: float | None
    poster_path: str | None
    poster_url: str | None
    backdrop_path: str | None
    backdrop_url: str | None


class MyCard(Card):
    is_favorite: bool
    in_watchlist: bool
    user_rating: int | None


class MoreFacts(BaseModel):
    budget: int | None
    revenue: int | None
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


class Detail(Card, MoreFacts): ...


class MyDetail(MyCard, MoreFacts): ...


class FavoriteOut(MyCard):
    created_at: dt.datetime


class Page(BaseModel, Generic[Item]):
    page: int
    page_size: int
    total_pages: int
    total_results: int
    next: str | None
    previous: str | None
    results: list[Item]


class FavoriteIn(BaseModel):
    movie_id: int


class RatingIn(BaseModel):
    rating: int = Field(ge=1, le=5)
    review: str | None = Field(None, max_length=10_000)


class RatingOut(BaseModel):
    rating: int
    review: str
    created_at: dt.datetime
    updated_at: dt.datetime
    average: float | None
    count: int
    distribution: dict[str, int]


class Login(BaseModel):
    username: str
    password: str


class Tokens(BaseModel):
    access: str


class GenreOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


class Genres(BaseModel):
    genres: list[GenreOut]
