"""Films by what somebody types: ranked with typos forgiven, and completed while they type. Open to everyone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from matinee.api.answers import LAST_PAGE_OF_CATALOGUE, PageQuery, answer, page_of
from matinee.api.authentication import ceiling_of, maybe_signed_in
from matinee.api.cards import cards_of, with_more
from matinee.api.filters import FilterQuery, filter_of, sort_of
from matinee.api.schemas import FoundFilm, Page, Problem, Suggestions
from matinee.catalog.encoding import image_url
from matinee.catalog.models import Movie
from matinee.search.finding import suggest
from matinee.search.matches import what_matched
from matinee.search.questions import LONGEST_QUESTION
from matinee.search.topping_up import search_and_top_up

router = Router(auth=maybe_signed_in)


class SuggestQuery(Schema):
    q: str = Field(min_length=1, max_length=LONGEST_QUESTION, description="What has been typed so far.")


class SearchQuery(FilterQuery):
    q: str = Field(
        min_length=1,
        max_length=LONGEST_QUESTION,
        description='Words of titles, people, keywords or overviews; a year; a "quoted phrase"; a TMDb or IMDb id.',
    )


@router.get("/search/", response={200: Page[FoundFilm], 400: Problem, 401: Problem}, url_name="search")
def search_movies(request: HttpRequest, paging: Query[PageQuery], wishes: Query[SearchQuery]) -> HttpResponse:
    """Films that `q` may mean, the best match first where `sort_by` is absent; small typos are forgiven."""
    span = paging.within_catalogue().span
    found = search_and_top_up(
        text=wishes.q,
        movie_filter=filter_of(request),
        sort=sort_of(request),
        first=span.stop,
        most=LAST_PAGE_OF_CATALOGUE * paging.page_size,
        now=timezone.now(),
    )
    cards = cards_of(request, found.tmdb_ids[span].tolist())
    matched = what_matched(text=wishes.q, tmdb_ids=[*cards])
    results = [with_more(card, {"matched": matched[tmdb_id]}) for tmdb_id, card in cards.items()]
    return page_of(request, paging, total=found.total, results=results)


@router.get("/suggest/", response={200: Suggestions, 400: Problem, 401: Problem}, url_name="suggest")
def suggest_movies(request: HttpRequest, wishes: Query[SuggestQuery]) -> HttpResponse:
    """At most 10 films while somebody types `q`, whose last word may be unfinished."""
    movies = Movie.objects.by_tmdb_ids(suggest(text=wishes.q, ceiling=ceiling_of(request)))
    return answer(
        {
            "results": [
                {
                    "id": movie.pk,
                    "tmdb_id": movie.tmdb_id,
                    "title": movie.title,
                    "year": movie.release_date.year if movie.release_date else None,
                    "poster_url": image_url(movie.poster_path, "w500"),
                }
                for movie in movies
            ]
        }
    )
