"""The one filter language as the api's schema tells it; `catalog.filters` parses it."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from django.http import HttpRequest, QueryDict
from ninja import Field, Schema

from matinee.api.answers import LONGEST_REMEMBERED, query_of
from matinee.api.authentication import ceiling_of
from matinee.catalog.ceiling import under_ceiling
from matinee.catalog.filters import FILTER_PARAMETERS, MovieFilter, Sort, parse_filter, parse_sort
from matinee.catalog.maturity import SCALES

ID = "[1-9][0-9]{0,17}"
IDS = rf"^{ID}(([,]{ID})*|([|]{ID})*)$"
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Country = Annotated[str, Field(json_schema_extra={"enum": [*SCALES]})]
"""What these two can't be is told by `catalog.filters`, in a sentence."""

SortBy = Literal[
    "popularity.desc",
    "popularity.asc",
    "vote_average.desc",
    "vote_average.asc",
    "primary_release_date.desc",
    "primary_release_date.asc",
    "revenue.desc",
    "revenue.asc",
    "title.asc",
    "title.desc",
]


class FilterQuery(Schema):
    with_genres: str | None = Field(None, pattern=IDS, description="TMDb genre ids; comma is and, pipe is or.")
    without_genres: str | None = Field(None, pattern=IDS, description="Films with any of these genres are left out.")
    primary_release_year: int | None = Field(None, ge=1, le=9999)
    primary_release_date_gte: Day | None = Field(None, alias="primary_release_date.gte")
    primary_release_date_lte: Day | None = Field(None, alias="primary_release_date.lte")
    vote_average_gte: float | None = Field(None, alias="vote_average.gte", ge=0, le=10)
    vote_average_lte: float | None = Field(None, alias="vote_average.lte", ge=0, le=10)
    vote_count_gte: int | None = Field(None, alias="vote_count.gte", ge=0, le=2**31 - 1)
    with_runtime_gte: int | None = Field(None, alias="with_runtime.gte", ge=0, le=2**31 - 1)
    with_runtime_lte: int | None = Field(None, alias="with_runtime.lte", ge=0, le=2**31 - 1)
    with_original_language: str | None = Field(None, pattern=r"^[a-z]{2,3}(\|[a-z]{2,3})*$", description="ISO 639-1.")
    with_cast: str | None = Field(None, pattern=IDS, description="TMDb person ids; comma is and, pipe is or.")
    with_crew: str | None = Field(None, pattern=IDS, description="The same of those who made it.")
    with_people: str | None = Field(None, pattern=IDS, description="The same of cast and crew together.")
    with_keywords: str | None = Field(None, pattern=IDS, description="TMDb keyword ids; comma is and, pipe is or.")
    without_keywords: str | None = Field(
        None, pattern=IDS, description="Films with any of these keywords are left out."
    )
    certification_country: Country | None = Field(None, description="Whose certifications are meant, like US.")
    certification: str | None = Field(None, description="One of the country's, or several with pipe between.")
    certification_gte: str | None = Field(None, alias="certification.gte", description="By the country's scale.")
    certification_lte: str | None = Field(None, alias="certification.lte", description="By the country's scale.")
    watch_region: str | None = Field(None, pattern=r"^[A-Z]{2}$", description="Where with_watch_providers are meant.")
    with_watch_providers: str | None = Field(
        None, pattern=IDS, description="TMDb provider ids, of watch_region; comma is and, pipe is or."
    )
    sort_by: SortBy | None = Field(None, description="Absent: the order that the list is made in.")


class CatalogueQuery(FilterQuery):
    ids: str | None = Field(None, pattern=rf"^{ID}(,{ID}){{0,99}}$", description="Up to 100 TMDb ids.")
    imdb_id: str | None = Field(None, pattern=r"^tt[0-9]{7,10}$")


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
