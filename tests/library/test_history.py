from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.library.history import PersonalHistory, read_history
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from tests.recommendations.conftest import NOW, make_movie, make_person


def act_on_four_films(person: User) -> None:
    heat, alien, big, cure = [make_movie(tmdb_id) for tmdb_id in (949, 348, 2280, 36095)]
    MovieRating.objects.create(user=person, movie=heat, rating=5, created_at=NOW, updated_at=NOW)
    MovieRating.objects.create(user=person, movie=alien, rating=2, created_at=NOW, updated_at=NOW)
    Favorite.objects.create(user=person, movie=heat, created_at=NOW)
    Watchlist.objects.create(user=person, movie=big, created_at=NOW)
    Dismissal.objects.create(user=person, movie=cure, created_at=NOW)


def test_a_history_holds_all_four_kinds_of_action_and_the_favourite_genres(db: None) -> None:
    carol = make_person("carol", favorite_genres=[35, 18])
    act_on_four_films(carol)

    history = read_history(carol)

    assert history == PersonalHistory(
        ratings=((348, 2), (949, 5)),
        favorites=(949,),
        watchlist=(2280,),
        dismissals=(36095,),
        favorite_genres=(35, 18),
    )


def test_what_was_rated_favourited_or_dismissed_is_settled_and_a_watchlist_entry_is_not(alice: User) -> None:
    act_on_four_films(alice)

    assert read_history(alice).settled() == {348, 949, 36095}


def test_another_persons_actions_are_not_mine(alice: User, bob: User) -> None:
    act_on_four_films(bob)

    assert read_history(alice) == PersonalHistory()


@pytest.mark.parametrize("films", [0, 40])
def test_a_history_costs_one_query_however_long(
    alice: User, films: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for tmdb_id in range(1, films + 1):
        MovieRating.objects.create(
            user=alice, movie=make_movie(tmdb_id), rating=tmdb_id % 5 + 1, created_at=NOW, updated_at=NOW
        )

    with django_assert_num_queries(1):
        history = read_history(alice)

    assert len(history.ratings) == films


def test_a_user_without_a_profile_has_no_favourite_genres(alice: User) -> None:
    alice.profile.delete()

    assert read_history(alice).favorite_genres == ()
