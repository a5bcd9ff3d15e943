"""What a person does with films: one function and one transaction a write."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from matinee.accounts.models import User
from matinee.catalog.models import Movie
from matinee.core.refusals import NotFound
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist

Entry = Favorite | Watchlist | Dismissal


class NotRated(NotFound):
    code = "not_rated"


@transaction.atomic
def add(kind: type[Entry], *, user: User, movie: Movie, now: dt.datetime) -> tuple[Entry, bool]:
    """Put `movie` on one of the person's lists; returns the entry and whether it is new. Once is enough."""
    entry, is_new = kind.objects.get_or_create(user=user, movie=movie, defaults={"created_at": now})
    entry.movie = movie
    return entry, is_new


@transaction.atomic
def remove(kind: type[Entry], *, user: User, tmdb_id: int) -> None:
    """Take a film off one of the person's lists, whether it is there, or known at all, or not."""
    kind.objects.filter(user=user, movie__tmdb_id=tmdb_id).delete()


@transaction.atomic
def rate_movie(
    *, user: User, movie: Movie, stars: int, review: str | None, private: bool | None, now: dt.datetime
) -> tuple[MovieRating, bool]:
    """Record what `user` thinks of a movie; returns the rating and whether it is new.

    Rating it again replaces the stars; a review or its privacy that is not given (None) stays as it was.
    """
    given = _given(review=review, private=private)
    return MovieRating.objects.update_or_create(
        user=user,
        movie=movie,
        defaults={"rating": stars, "updated_at": now, **given},
        create_defaults={"rating": stars, "created_at": now, "updated_at": now, **given},
    )


@transaction.atomic
def change_rating(
    *, user: User, movie: Movie, stars: int | None, review: str | None, private: bool | None, now: dt.datetime
) -> MovieRating:
    """Change a rating that is there; what is not given (None) stays. Raises NotRated."""
    rating = MovieRating.objects.select_for_update().filter(user=user, movie=movie).first()
    if rating is None:
        raise NotRated("You have not rated this film.")
    given = {**_given(review=review, private=private), **({} if stars is None else {"rating": stars})}
    changed = {name: value for name, value in given.items() if getattr(rating, name) != value}
    for name, value in changed.items():
        setattr(rating, name, value)
    if changed:
        rating.updated_at = now
        rating.save(update_fields=[*changed, "updated_at"])
    return rating


@transaction.atomic
def withdraw_rating(*, user: User, tmdb_id: int) -> None:
    """Forget the rating and its review, whether there is one or not."""
    MovieRating.objects.filter(user=user, movie__tmdb_id=tmdb_id).delete()


def _given(*, review: str | None, private: bool | None) -> dict[str, str | bool]:
    given: dict[str, str | bool] = {}
    if review is not None:
        given["review"] = review
    if private is not None:
        given["review_private"] = private
    return given
