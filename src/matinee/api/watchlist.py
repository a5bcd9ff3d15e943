"""The films that I want to see."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router

from matinee.api import entries
from matinee.api.answers import PageQuery
from matinee.api.authentication import SignedInRequest
from matinee.api.bodies import MovieReference
from matinee.api.schemas import Entry, Page, Problem
from matinee.library.models import Watchlist

router = Router()


@router.get("/watchlist/", response={200: Page[Entry], 400: Problem, 401: Problem}, url_name="watchlist")
def list_watchlist(request: SignedInRequest, paging: Query[PageQuery]) -> HttpResponse:
    """My watchlist, newest first."""
    return entries.list_entries(request, Watchlist, paging)


@router.post(
    "/watchlist/",
    response={200: Entry, 201: Entry, 400: Problem, 401: Problem, 404: Problem, 415: Problem, 422: Problem},
)
def add_to_watchlist(request: SignedInRequest, body: MovieReference) -> HttpResponse:
    """Put a film on my watchlist: 201 when it is new, 200 when it was there already."""
    return entries.add_entry(request, Watchlist, body)


@router.delete(
    "/watchlist/{int:movie_id}/", response={204: None, 401: Problem, 404: Problem}, url_name="watchlist-entry"
)
def remove_from_watchlist(request: SignedInRequest, movie_id: int) -> HttpResponse:
    """Off my watchlist; 204 whether it was there or not."""
    return entries.remove_entry(request, Watchlist, movie_id)
