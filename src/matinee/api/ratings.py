"""What I think of films: stars and a review."""

from __future__ import annotations

import hashlib
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router
from pydantic import AfterValidator, ConfigDict

from matinee.api.answers import PageQuery, answer, page_of
from matinee.api.authentication import SignedInRequest
from matinee.api.bodies import Body, Text
from matinee.api.cards import cards_of, must_be_shown, part_of, with_more
from matinee.api.preconditions import wanted_versions
from matinee.api.schemas import Page, Problem, Rate, RatedCard
from matinee.catalog.lookup import find_pk
from matinee.library import queries, services
from matinee.library.models import MovieRating
from matinee.tmdb.services import find_movie

router = Router()

LONGEST_REVIEW = 10_000


def _unless_blank(review: str) -> str:
    """Blanks alone are no review, which everyone would be shown."""
    return review if review.strip() else ""


Review = Annotated[Text, AfterValidator(_unless_blank)]


class RatingIn(Body):
    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"rating": 5, "review": "Still a marvel."}]}
    )

    rating: int = Field(ge=1, le=5)
    review: Review | None = Field(None, max_length=LONGEST_REVIEW, description="Absent: stays as it is.")
    review_private: bool | None = Field(None, description="true: only I can read my review.")


class RatingChange(Body):
    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"rating": 4}]})

    # 0 stands for one that is absent: a default of None would let a null through
    rating: int = Field(default_factory=int, ge=1, le=5, description="Absent: stays as it is.")
    review: Review | None = Field(None, max_length=LONGEST_REVIEW)
    review_private: bool | None = None


@router.get("/ratings/", response={200: Page[RatedCard], 400: Problem, 401: Problem}, url_name="ratings")
def list_ratings(request: SignedInRequest, paging: Query[PageQuery]) -> HttpResponse:
    """The films that I rated, newest first."""
    part, total = part_of(request, MovieRating, paging.span)
    mine = queries.ratings_of(user=request.auth, part=part)
    cards = cards_of(request, [*mine])
    results = [with_more(card, mine[tmdb_id]._asdict()) for tmdb_id, card in cards.items()]
    return page_of(request, paging, total=total, results=results)


@router.get("/{int:movie_id}/rate/", response={200: Rate, 401: Problem, 404: Problem}, url_name="rate")
def get_rating(request: SignedInRequest, movie_id: int) -> HttpResponse:
    """My rating of this film, null where I have none, beside everybody's average."""
    movie_pk = find_movie(movie_id, by=find_pk)
    must_be_shown(request, movie_id)
    return _rate(request, movie_pk, queries.rating_of(user=request.auth, movie_pk=movie_pk))


@router.post(
    "/{int:movie_id}/rate/",
    response={200: Rate, 201: Rate, 400: Problem, 401: Problem, 404: Problem, 412: Problem, 415: Problem, 422: Problem},
)
def rate_movie(request: SignedInRequest, movie_id: int, body: RatingIn) -> HttpResponse:
    """Rate a film: 201 when it is my first rating of it, 200 when it replaces one.

    With `If-Match`, only over the version of mine with that ETag (412 otherwise); so with the two below.
    """
    movie_pk = find_movie(movie_id, by=find_pk)
    must_be_shown(request, movie_id)
    rating, is_new = services.rate_movie(
        user=request.auth,
        movie_pk=movie_pk,
        stars=body.rating,
        review=body.review,
        private=body.review_private,
        now=timezone.now(),
        if_version=_wanted(request),
    )
    return _rate(request, movie_pk, rating, status=201 if is_new else 200)


@router.put(
    "/{int:movie_id}/rate/",
    response={200: Rate, 400: Problem, 401: Problem, 404: Problem, 412: Problem, 415: Problem, 422: Problem},
)
def change_rating(request: SignedInRequest, movie_id: int, body: RatingChange) -> HttpResponse:
    """Change my rating; 404 when there is none."""
    movie_pk = find_pk(movie_id)
    must_be_shown(request, movie_id)
    rating = services.change_rating(
        user=request.auth,
        movie_pk=movie_pk,
        stars=body.rating or None,
        review=body.review,
        private=body.review_private,
        now=timezone.now(),
        if_version=_wanted(request),
    )
    return _rate(request, movie_pk, rating)


@router.delete("/{int:movie_id}/rate/", response={204: None, 401: Problem, 412: Problem})
def withdraw_rating(request: SignedInRequest, movie_id: int) -> HttpResponse:
    """Forget my rating and its review; 204 whether there was one or not."""
    services.remove(MovieRating, user=request.auth, tmdb_id=movie_id, now=timezone.now(), if_version=_wanted(request))
    return HttpResponse(status=204)


def _wanted(request: SignedInRequest) -> frozenset[str] | None:
    """The versions of my rating that If-Match names: what others think of the film meanwhile is no conflict."""
    tags = wanted_versions(request)
    return None if tags is None else frozenset(tag.partition(".")[0] for tag in tags)


def _rate(request: SignedInRequest, movie_pk: int, mine: queries.Rating | None, *, status: int = 200) -> HttpResponse:
    everyone = queries.opinion_of(movie_pk)
    told = answer(
        {
            "rating": mine.rating if mine else None,
            "review": mine.review if mine else None,
            "created_at": mine.created_at if mine else None,
            "updated_at": mine.updated_at if mine else None,
            "average": everyone.average,
            "count": everyone.count,
            "distribution": {str(stars): number for stars, number in everyone.distribution.items()},
        },
        status=status,
    )
    digest = hashlib.blake2b(told.content, digest_size=8, key=str(request.auth.pk).encode()).hexdigest()
    told["ETag"] = f'"{mine.version if mine else queries.NO_RATING}.{digest}"'
    return told
