"""How an answer is put into bytes, and how a list becomes a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Field, Schema
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from matinee.core.refusals import BadRequest, FieldError

LAST_PAGE_OF_CATALOGUE = 500
MOST_PER_PAGE = 100
LONGEST_REMEMBERED = 500
"""Of queries whose addresses are kept, so that they take a megabyte at most."""
DIGITS = re.compile(r"-?[0-9]+")


class PageTooDeep(BadRequest):
    code = "page_too_deep"


def _in_digits(value: Any) -> Any:
    """Pydantic would read 1_0, 1.0 and " 1" as numbers, too."""
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        raise PydanticCustomError("int_parsing", "Give a whole number, in digits alone.")
    return value


Whole = Annotated[int, BeforeValidator(_in_digits)]


class PageQuery(Schema):
    page: Whole = Field(1, ge=1, le=2**31 - 1, description="From 1. Past the last page the results are empty.")
    page_size: Whole = Field(20, ge=1, le=MOST_PER_PAGE, description="Results on a page.")

    @property
    def span(self) -> slice:
        """The places of this page's results in the whole list."""
        return slice((self.page - 1) * self.page_size, self.page * self.page_size)

    def within_catalogue(self) -> PageQuery:
        """Itself, where the catalogue lets itself be paged that deep. Raises PageTooDeep."""
        if self.page > LAST_PAGE_OF_CATALOGUE:
            detail = (
                f"The catalogue is paged to page {LAST_PAGE_OF_CATALOGUE}. Narrow the list, for example by "
                "with_genres, primary_release_year or vote_count.gte."
            )
            raise PageTooDeep(detail, fields=(FieldError("page", detail, "page_too_deep"),))
        return self


def answer(data: Any, *, status: int = 200) -> HttpResponse:
    """`data` as JSON; bytes in there are JSON already."""
    content = orjson.dumps(data, default=orjson.Fragment)
    return HttpResponse(content, status=status, content_type="application/json")


def page_of(
    request: HttpRequest, query: PageQuery, *, total: int, results: Sequence[Mapping[str, Any] | bytes], **more: Any
) -> HttpResponse:
    """One page; `total` counts what can be paged. A result that is bytes is JSON already, as cards are."""
    pages = -(-total // query.page_size)
    here, asked = _address_of(request), query_of(request)
    link = _link if len(asked) <= LONGEST_REMEMBERED else _link.__wrapped__
    return answer(
        {
            "page": query.page,
            "page_size": query.page_size,
            "total_pages": pages,
            "total_results": total,
            "next": link(here, asked, query.page + 1) if query.page < pages else None,
            "previous": link(here, asked, min(query.page - 1, pages)) if query.page > 1 and pages else None,
            "results": results,
            **more,
        }
    )


def query_of(request: HttpRequest) -> bytes:
    return str(request.META.get("QUERY_STRING", "")).encode("latin-1")  # as WSGI has it


def _address_of(request: HttpRequest) -> str:
    """Whole, without its query."""
    origin = getattr(request, "origin", None)  # which the fast lane has at hand
    return request.build_absolute_uri(request.path) if origin is None else f"{origin}{request.path}"


@lru_cache(maxsize=1_024)
def _link(here: str, asked: bytes, page: int) -> str:
    """The address of another page of this list, which no parameter asks for twice."""
    return f"{here}?{urlencode({**QueryDict(asked).dict(), 'page': page})}"
