"""The films that I love."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router

from matinee.api import entries
from matinee.api.answers import PageQuery
from matinee.api.authentication import SignedInRequest
from matinee.api.bodies import MovieReference
from matinee.api.schemas import Entry, Page, Problem
from matinee.library.models import Favorite

router = Router()


@router.get("/favorites/", response={200: Page[Entry], 400: Problem, 401: Problem}, url_name="favorites")
def list_favorites(request: SignedInRequest, paging: Query[PageQuery]) -> HttpResponse:
    """My favourites, newest first."""
    return entries.list_entries(request, Favorite, paging)


@router.post(
    "/favorites/",
    response={200: Entry, 201: Entry, 400: Problem, 401: Problem, 404: Problem, 415: Problem, 422: Problem},
)
def add_favorite(request: SignedInRequest, body: MovieReference) -> HttpResponse:
    """Make a film a favourite: 201 when it is new, 200 when it already was one."""
    return entries.add_entry(request, Favorite, body)


@router.delete("/favorites/{int:movie_id}/", response={204: None, 401: Problem, 404: Problem}, url_name="favorite")
def remove_favorite(request: SignedInRequest, movie_id: int) -> HttpResponse:
    """Not a favourite any more; 204 whether it was one or not."""
    return entries.remove_entry(request, Favorite, movie_id)
