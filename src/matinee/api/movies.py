"""The catalogue: lists, one film, its genres, its like, and what people wrote about it. Open to everyone."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router

from matinee.api.answers import LAST_PAGE_OF_CATALOGUE, PageQuery, answer, page_of
from matinee.api.authentication import maybe_signed_in
from matinee.api.cards import Card, Detail, cards_of, detail_of, must_be_shown
from matinee.api.filters import CatalogueQuery, FilterQuery, filter_of, sort_of
from matinee.api.recommendations import picks_page
from matinee.api.schemas import Genres, Page, Problem, Recommendation, Review
from matinee.catalog import lookup
from matinee.catalog.columns import columns
from matinee.catalog.filters import BY_POPULARITY
from matinee.catalog.models import Genre
from matinee.library import trending
from matinee.library.models import MovieRating
from matinee.recommendations import serving
from matinee.tmdb.services import find_movie

router = Router(auth=maybe_signed_in)


class TrendingQuery(FilterQuery):
    window: trending.Window = Field("week", description="The last 24 hours, or seven days.")


@router.get("/", response={200: Page[Card], 400: Problem, 401: Problem}, url_name="movies")
def list_movies(request: HttpRequest, paging: Query[PageQuery], filters: Query[CatalogueQuery]) -> HttpResponse:
    """The catalogue, filtered and sorted; the most popular first where `sort_by` is absent."""
    catalogue = columns()
    span = paging.within_catalogue().span
    selection = catalogue.ordered(filter_of(request), sort_of(request) or BY_POPULARITY)
    cards = cards_of(request, catalogue.tmdb_ids[selection.rows[span]].tolist())
    total = min(selection.total, LAST_PAGE_OF_CATALOGUE * paging.page_size)
    return page_of(request, paging, total=total, results=[*cards.values()])


@router.get("/genres/", response={200: Genres, 401: Problem}, url_name="genres")
def list_genres(request: HttpRequest) -> HttpResponse:
    """TMDb's genres by name."""
    return answer({"genres": list(Genre.objects.values("id", "name"))})


@router.get("/trending/", response={200: Page[Card], 400: Problem, 401: Problem}, url_name="trending")
def list_trending(request: HttpRequest, paging: Query[PageQuery], wishes: Query[TrendingQuery]) -> HttpResponse:
    """What people here act on, then what is popular; at most 500 films deep. A film counts from 3 people on."""
    tmdb_ids = trending.trending(
        window=wishes.window, movie_filter=filter_of(request), sort=sort_of(request), now=timezone.now()
    )
    cards = cards_of(request, tmdb_ids[paging.span].tolist())
    return page_of(request, paging, total=len(tmdb_ids), results=[*cards.values()])


@router.get("/{int:tmdb_id}/", response={200: Detail, 401: Problem, 404: Problem}, url_name="movie")
def get_movie(request: HttpRequest, tmdb_id: int) -> HttpResponse:
    """One film, with my flags and the stars that I would give it when I am signed in."""
    return answer(find_movie(tmdb_id, by=partial(detail_of, request)))


@router.get(
    "/{int:tmdb_id}/similar/",
    response={200: Page[Recommendation], 400: Problem, 401: Problem, 404: Problem},
    url_name="similar",
)
def list_similar(
    request: HttpRequest, tmdb_id: int, paging: Query[PageQuery], filters: Query[FilterQuery]
) -> HttpResponse:
    """Films like this one, at most 500 deep: by taste where people's ratings tell, by content where they do not."""
    movie = find_movie(tmdb_id, by=lookup.find_movie)
    must_be_shown(request, tmdb_id)
    ranking = serving.similar(movie=movie, movie_filter=filter_of(request), sort=sort_of(request))
    return picks_page(request, paging, ranking)


@router.get("/{int:tmdb_id}/reviews/", response={200: Page[Review], 401: Problem, 404: Problem}, url_name="reviews")
def list_reviews(request: HttpRequest, tmdb_id: int, paging: Query[PageQuery]) -> HttpResponse:
    """What people wrote about this film, newest first."""
    movie_pk = find_movie(tmdb_id, by=lookup.find_pk)
    must_be_shown(request, tmdb_id)
    reviews = MovieRating.objects.filter(movie=movie_pk).public_reviews()
    results = [_review(rating) for rating in reviews[paging.span]]
    return page_of(request, paging, total=reviews.count(), results=results)


def _review(rating: MovieRating) -> dict[str, Any]:
    return {
        "id": rating.pk,
        "username": rating.user.username,
        "rating": rating.rating,
        "review": rating.review,
        "created_at": rating.created_at,
        "updated_at": rating.updated_at,
    }
