import datetime as dt
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import extract

from films.models import Genre, Movie

SORTS = {
    "popularity": Movie.popularity,
    "vote_average": Movie.vote_average,
    "primary_release_date": Movie.release_date,
    "revenue": Movie.revenue,
    "title": Movie.title,
}
Sort = Literal[tuple(f"{name}.{direction}" for name in SORTS for direction in ("asc", "desc"))]


class MovieFilter(BaseModel):
    page: int = Field(1, ge=1)
    page_size: int = Field(20, ge=1, le=100)
    sort_by: Sort = "popularity.desc"
    with_genres: int | None = None
    with_original_language: str | None = None
    primary_release_year: int | None = None
    released_from: dt.date | None = Field(None, alias="primary_release_date.gte")
    released_to: dt.date | None = Field(None, alias="primary_release_date.lte")
    vote_average_from: float | None = Field(None, alias="vote_average.gte")
    vote_average_to: float | None = Field(None, alias="vote_average.lte")
    vote_count_from: int | None = Field(None, alias="vote_count.gte")
    runtime_from: int | None = Field(None, alias="with_runtime.gte")
    runtime_to: int | None = Field(None, alias="with_runtime.lte")

    def conditions(self):
        wanted = (
            (self.with_genres, lambda id_: Movie.genre_rows.any(Genre.id == id_)),
            (self.with_original_language, lambda code: Movie.original_language == code),
            (self.primary_release_year, lambda year: extract("year", Movie.release_date) == year),
            (self.released_from, lambda day: Movie.release_date >= day),
            (self.released_to, lambda day: Movie.release_date <= day),
            (self.vote_average_from, lambda votes: Movie.vote_average >= votes),
            (self.vote_average_to, lambda votes: Movie.vote_average <= votes),
            (self.vote_count_from, lambda votes: Movie.vote_count >= votes),
            (self.runtime_from, lambda minutes: Movie.runtime >= minutes),
            (self.runtime_to, lambda minutes: Movie.runtime <= minutes),
        )
        return [condition(value) for value, condition in wanted if value is not None]

    def order(self):
        name, _, direction = self.sort_by.partition(".")
        column = SORTS[name]
        return (column.desc() if direction == "desc" else column.asc()).nulls_last(), Movie.tmdb_id


Filter = Annotated[MovieFilter, Query()]
