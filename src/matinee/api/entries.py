"""The lists of films that a person keeps (favourites, watchlist, dismissals): newest first, card by card."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from matinee.api.answers import PageQuery, answer, page_of
from matinee.api.authentication import SignedInRequest
from matinee.api.bodies import MovieReference
from matinee.api.cards import cards_of
from matinee.catalog.services import find_movie
from matinee.library import services
from matinee.library.services import Entry


def list_entries(request: SignedInRequest, kind: type[Entry], paging: PageQuery) -> HttpResponse:
    entries = kind.objects.filter(user=request.auth).order_by("-created_at", "-id")
    results = _cards(request, list(entries.select_related("movie")[paging.span]))
    return page_of(request, paging, total=entries.count(), results=results)


def add_entry(request: SignedInRequest, kind: type[Entry], body: MovieReference) -> HttpResponse:
    movie = find_movie(body.chosen())
    entry, is_new = services.add(kind, user=request.auth, movie=movie, now=timezone.now())
    return answer(_cards(request, [entry])[0], status=201 if is_new else 200)


def remove_entry(request: SignedInRequest, kind: type[Entry], movie_id: int) -> HttpResponse:
    services.remove(kind, user=request.auth, tmdb_id=movie_id)
    return HttpResponse(status=204)


def _cards(request: SignedInRequest, entries: list[Any]) -> list[dict[str, Any]]:
    cards = cards_of(request, [entry.movie for entry in entries])
    return [{**card, "created_at": entry.created_at} for card, entry in zip(cards, entries, strict=True)]
