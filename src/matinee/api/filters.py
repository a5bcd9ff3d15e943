"""The one filter language as the api's schema tells it; `catalog.filters` parses it."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from django.http import HttpRequest, QueryDict
from ninja import Field, Schema
from pydantic import WithJsonSchema

from matinee.api.answers import LONGEST_REMEMBERED, query_of
from matinee.api.authentication import ceiling_of
from matinee.catalog.ceiling import under_ceiling
from matinee.catalog.filters import (
    ALL_SORTS,
    FILTER_PARAMETERS,
    ID,
    LARGEST_COUNT,
    MOST_IDS,
    MovieFilter,
    Sort,
    parse_filter,
    parse_sort,
)
from matinee.catalog.maturity import SCALES

Ids = Annotated[str, WithJsonSchema({"type": "string", "pattern": rf"^{ID}((,{ID})*|([|]{ID})*)$"})]
Listed = Annotated[str, WithJsonSchema({"type": "string", "pattern": rf"^{ID}(,{ID}){{0,{MOST_IDS - 1}}}$"})]
Year = Annotated[str, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 9999})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Grade = Annotated[str, WithJsonSchema({"type": "number", "minimum": 0, "maximum": 10})]
Count = Annotated[str, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": LARGEST_COUNT})]
Languages = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z]{2,3}(\|[A-Za-z]{2,3})*$"})]
Country = Annotated[str, WithJsonSchema({"type": "string", "enum": [*SCALES]})]
Region = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
ImdbId = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^tt[0-9]{7,10}$"})]
SortBy = Annotated[str, WithJsonSchema({"type": "string", "enum": [str(sort) for sort in ALL_SORTS]})]
"""Each is text here: what it can't be is told by `catalog.filters`, in a sentence."""


class FilterQuery(Schema):
    with_genres: Ids | None = Field(None, description="TMDb genre ids; comma is and, pipe is or.")
    without_genres: Ids | None = Field(None, description="Films with any of these genres are left out.")
    primary_release_year: Year | None = Field(None, description="Released in this year.")
    primary_release_date_gte: Day | None = Field(
        None, alias="primary_release_date.gte", description="Released on this day or later."
    )
    primary_release_date_lte: Day | None = Field(
        None, alias="primary_release_date.lte", description="Released on this day or before."
    )
    vote_average_gte: Grade | None = Field(
        None, alias="vote_average.gte", description="TMDb's average of this or more, of 10."
    )
    vote_average_lte: Grade | None = Field(
        None, alias="vote_average.lte", description="TMDb's average of this or less, of 10."
    )
    vote_count_gte: Count | None = Field(None, alias="vote_count.gte", description="So many votes at TMDb, or more.")
    with_runtime_gte: Count | None = Field(None, alias="with_runtime.gte", description="So many minutes, or more.")
    with_runtime_lte: Count | None = Field(None, alias="with_runtime.lte", description="So many minutes, or fewer.")
    with_original_language: Languages | None = Field(None, description="ISO 639-1, like en; pipe is or.")
    with_cast: Ids | None = Field(None, description="TMDb person ids; comma is and, pipe is or.")
    with_crew: Ids | None = Field(None, description="The same of those who made it.")
    with_people: Ids | None = Field(None, description="The same of cast and crew together.")
    with_keywords: Ids | None = Field(None, description="TMDb keyword ids; comma is and, pipe is or.")
    without_keywords: Ids | None = Field(None, description="Films with any of these keywords are left out.")
    certification_country: Country | None = Field(None, description="Whose certifications are meant, like US.")
    certification: str | None = Field(None, description="One of the country's, or several with pipe between.")
    certification_gte: str | None = Field(None, alias="certification.gte", description="By the country's scale.")
    certification_lte: str | None = Field(None, alias="certification.lte", description="By the country's scale.")
    watch_region: Region | None = Field(None, description="Where with_watch_providers are meant, like US.")
    with_watch_providers: Ids | None = Field(
        None, description="TMDb provider ids, of watch_region; comma is and, pipe is or."
    )
    sort_by: SortBy | None = Field(None, description="Absent: the order that the list is made in.")


class CatalogueQuery(FilterQuery):
    ids: Listed | None = Field(None, description="Up to 100 TMDb ids.")
    imdb_id: ImdbId | None = Field(None, description="IMDb's id of a title, like tt0111161.")


def filter_of(request: HttpRequest) -> MovieFilter:
    """What this request's query asks for, of films that may be shown. Raises BadRequest that names what can't be."""
    query = query_of(request)
    read = _filter_in if len(query) <= LONGEST_REMEMBERED else _filter_in.__wrapped__
    return under_ceiling(read(query), ceiling_of(request))


def sort_of(request: HttpRequest) -> Sort | None:
    query = query_of(request)
    return parse_sort(QueryDict(query).get("sort_by")) if b"sort_by" in query or b"%" in query else None


@lru_cache(maxsize=1_024)
def _filter_in(query: bytes) -> MovieFilter:
    given = QueryDict(query)
    return parse_filter({name: given[name] for name in FILTER_PARAMETERS if name in given})
