"""What my films say of me together."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Field, Router, Schema

from matinee.api.answers import answer
from matinee.api.authentication import SignedInRequest
from matinee.api.schemas import Problem
from matinee.catalog.encoding import genre_names
from matinee.library.statistics import statistics_of

router = Router()


class GenreCount(Schema):
    id: int
    name: str
    films: int


class DecadeCount(Schema):
    decade: int = Field(description="Its first year, like 1990.")
    films: int


class Stats(Schema):
    favorites: int
    watchlist: int
    ratings: int
    reviews: int = Field(description="The ratings with a text, private ones among them.")
    dismissed: int
    average_rating: float | None
    rating_distribution: dict[str, int] = Field(description="How many films I gave 1, 2, 3, 4 and 5.")
    favorite_genres: list[GenreCount] = Field(
        description="Of the films that I favourited or gave 4 or 5, the most films first; not what the profile says."
    )
    favorite_decades: list[DecadeCount] = Field(description="Of the same films, in the same order.")


@router.get("/stats/", response={200: Stats, 401: Problem}, url_name="stats")
def get_stats(request: SignedInRequest) -> HttpResponse:
    """How much I have done, how I rate, and which genres and decades I like by what I did."""
    mine, names = statistics_of(request.auth), genre_names()
    return answer(
        {
            "favorites": mine.favorites,
            "watchlist": mine.watchlist,
            "ratings": mine.ratings,
            "reviews": mine.reviews,
            "dismissed": mine.dismissed,
            "average_rating": mine.average,
            "rating_distribution": {str(stars): films for stars, films in mine.distribution.items()},
            "favorite_genres": [
                {"id": genre, "name": names[genre], "films": films} for genre, films in mine.genres if genre in names
            ],
            "favorite_decades": [{"decade": year, "films": films} for year, films in mine.decades],
        }
    )
