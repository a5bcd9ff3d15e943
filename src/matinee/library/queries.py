"""What the library says about many films at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import BooleanField, Count, Exists, IntegerField, OuterRef, Subquery

from matinee.accounts.models import User
from matinee.catalog.models import Movie
from matinee.library.models import Favorite, MovieRating, Watchlist


@dataclass(frozen=True)
class Flags:
    """What one film is to one person."""

    is_favorite: bool = False
    in_watchlist: bool = False
    user_rating: int | None = None


@dataclass(frozen=True)
class Opinion:
    """What everybody together thinks of one film."""

    average: float | None
    count: int
    distribution: dict[int, int]


def flags_of(*, user: User, movie_ids: Collection[int]) -> dict[int, Flags]:
    """By Movie.pk: the flags of these films for `user`; one query, however many they are."""
    mine = {"user": user, "movie": OuterRef("pk")}
    rows = Movie.objects.filter(pk__in=movie_ids).values_list(
        "pk",
        Exists(Favorite.objects.filter(**mine), output_field=BooleanField()),
        Exists(Watchlist.objects.filter(**mine), output_field=BooleanField()),
        Subquery(MovieRating.objects.filter(**mine).values("rating")[:1], output_field=IntegerField()),
    )
    return {pk: Flags(favorite, waiting, stars) for pk, favorite, waiting, stars in rows}


def opinion_of(movie: Movie) -> Opinion:
    """The average, number and distribution of the ratings by people whose accounts are active."""
    counts = dict(
        MovieRating.objects.filter(movie=movie, user__is_active=True)
        .order_by()
        .values_list("rating")
        .annotate(number=Count("id"))
    )
    number = sum(counts.values())
    average = round(sum(stars * n for stars, n in counts.items()) / number, 2) if number else None
    return Opinion(average=average, count=number, distribution={stars: counts.get(stars, 0) for stars in range(1, 6)})
