"""Writes to a person's library: one transaction each, and safe when two happen at once."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from matinee.catalog.models import Movie
from matinee.library import services
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from matinee.library.queries import flags_of, opinion_of

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def matrix(db: None) -> Movie:
    return Movie.objects.create(tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize("kind", [Favorite, Watchlist, Dismissal])
def test_what_is_there_already_keeps_its_time(
    alice: User, matrix: Movie, kind: type[Favorite] | type[Watchlist] | type[Dismissal]
) -> None:
    first, is_new = services.add(kind, user=alice, movie_pk=matrix.pk, now=NOW)
    again, is_new_again = services.add(kind, user=alice, movie_pk=matrix.pk, now=LATER)

    assert (is_new, is_new_again) == (True, False)
    assert first == again == NOW
    assert kind.objects.count() == 1


def test_rating_again_keeps_when_it_began_and_what_is_not_given(alice: User, matrix: Movie) -> None:
    services.rate_movie(user=alice, movie_pk=matrix.pk, stars=3, review="Fine.", private=True, now=NOW)

    rating, is_new = services.rate_movie(user=alice, movie_pk=matrix.pk, stars=5, review=None, private=None, now=LATER)

    assert not is_new
    assert (rating.rating, rating.review, rating.review_private) == (5, "Fine.", True)
    assert (rating.created_at, rating.updated_at) == (NOW, LATER)


def test_a_change_that_changes_nothing_leaves_the_time_of_the_last_one(alice: User, matrix: Movie) -> None:
    services.rate_movie(user=alice, movie_pk=matrix.pk, stars=3, review="Fine.", private=None, now=NOW)

    same = services.change_rating(user=alice, movie_pk=matrix.pk, stars=3, review="Fine.", private=None, now=LATER)
    untouched_at = same.updated_at
    other = services.change_rating(user=alice, movie_pk=matrix.pk, stars=2, review=None, private=None, now=LATER)

    assert untouched_at == NOW
    assert (other.rating, other.review, other.updated_at) == (2, "Fine.", LATER)


def test_what_is_not_there_can_not_be_changed(alice: User, matrix: Movie) -> None:
    with pytest.raises(services.NotRated):
        services.change_rating(user=alice, movie_pk=matrix.pk, stars=1, review=None, private=None, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_ratings_at_the_same_moment_make_one_row_and_one_of_them_is_new(alice: User, matrix: Movie) -> None:
    def rate(stars: int) -> bool:
        try:
            given = {"review": None, "private": None}
            return services.rate_movie(user=alice, movie_pk=matrix.pk, stars=stars, now=NOW, **given)[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        news = list(pool.map(rate, [1, 2, 3, 4, 5] * 4))

    assert news.count(True) == 1
    assert MovieRating.objects.count() == 1


def test_flags_and_opinion_of_a_film(alice: User, matrix: Movie) -> None:
    bob = create_user(email="bob@example.org", username="bob", password="correct horse battery", now=NOW)
    services.add(Watchlist, user=alice, movie_pk=matrix.pk, now=NOW)
    for user, stars in ((alice, 4), (bob, 5)):
        services.rate_movie(user=user, movie_pk=matrix.pk, stars=stars, review=None, private=None, now=NOW)

    mine = flags_of(user=alice, movie_ids=[matrix.pk])[matrix.pk]
    everyone = opinion_of(matrix.pk)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    without_bob = opinion_of(matrix.pk)

    assert (mine.is_favorite, mine.in_watchlist, mine.user_rating) == (False, True, 4)
    assert (everyone.average, everyone.count, everyone.distribution) == (4.5, 2, {1: 0, 2: 0, 3: 0, 4: 1, 5: 1})
    assert (without_bob.average, without_bob.count) == (4.0, 1)


def test_deleting_a_person_or_a_film_takes_what_hangs_on_it(alice: User, matrix: Movie) -> None:
    for kind in (Favorite, Watchlist, Dismissal):
        services.add(kind, user=alice, movie_pk=matrix.pk, now=NOW)
    services.rate_movie(user=alice, movie_pk=matrix.pk, stars=4, review=None, private=None, now=NOW)

    matrix.delete()

    assert not any(kind.objects.exists() for kind in (Favorite, Watchlist, Dismissal, MovieRating))
    assert User.objects.filter(pk=alice.pk).exists()
