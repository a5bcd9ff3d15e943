"""The lists of films that a person keeps (favourites, watchlist, dismissals): newest first, card by card."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone

from matinee.api.answers import PageQuery, answer, page_of
from matinee.api.authentication import SignedInRequest
from matinee.api.bodies import MovieReference
from matinee.api.cards import cards_of, must_be_shown, part_of, with_flags, with_more
from matinee.catalog.cards import Deck, encoded_film
from matinee.library import queries, services
from matinee.library.models import Entry
from matinee.tmdb.services import find_movie


def list_entries(request: SignedInRequest, kind: type[Entry], paging: PageQuery) -> HttpResponse:
    part, total = part_of(request, kind, paging.span)
    added = queries.entries_of(kind, user=request.auth, part=part)
    cards = cards_of(request, [*added])
    results = [with_more(card, {"created_at": added[tmdb_id]}) for tmdb_id, card in cards.items()]
    return page_of(request, paging, total=total, results=results)


def add_entry(request: SignedInRequest, kind: type[Entry], body: MovieReference) -> HttpResponse:
    tmdb_id = body.chosen()
    film = find_movie(tmdb_id, by=encoded_film)
    must_be_shown(request, tmdb_id)
    added_at, is_new = services.add(kind, user=request.auth, movie_pk=film.pk, now=timezone.now())
    card = with_flags(request, Deck.of({tmdb_id: film}))[tmdb_id]
    return answer(with_more(card, {"created_at": added_at}), status=201 if is_new else 200)


def remove_entry(request: SignedInRequest, kind: type[Entry], movie_id: int) -> HttpResponse:
    services.remove(kind, user=request.auth, tmdb_id=movie_id, now=timezone.now())
    return HttpResponse(status=204)
