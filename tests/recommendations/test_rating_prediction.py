"""Predicted ratings: of one film, of a page of recommendations, with and without a model."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User, new_state_version
from matinee.catalog.columns import refresh_columns
from matinee.catalog.filters import EVERYTHING
from matinee.library.models import MovieRating, Watchlist
from matinee.recommendations.rating_prediction import Critic, predict_rating
from matinee.recommendations.serving import similar
from tests.recommendations.conftest import (
    ALL_FILMS,
    dismiss,
    favor,
    film,
    make_movie,
    put_on_watchlist,
    rate,
    recommended,
)


def stars(person: User, tmdb_id: int) -> float:
    predicted = predict_rating(user=person, tmdb_id=tmdb_id)
    assert predicted is not None
    return predicted


def test_who_loves_space_is_told_to_love_more_of_it(alice: User, model: str) -> None:
    rate(alice, {101: 5, 104: 5, 202: 1, 205: 1})

    assert stars(alice, 107) > 4
    assert stars(alice, 208) < 2.5


def test_who_has_rated_nothing_is_told_what_the_film_gets(alice: User, bob: User, model: str) -> None:
    put_on_watchlist(alice, 101)
    dismiss(alice, 202)

    assert stars(alice, 107) == stars(bob, 107)
    assert 3 < stars(alice, 107) < 5


def test_a_prediction_is_remembered_until_my_state_moves(
    alice: User, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate(alice, {101: 5, 104: 5})
    alice.state_version = new_state_version()
    before = stars(alice, 107)
    with monkeypatch.context() as patch:
        patch.setattr(Critic, "stars", None)
        again = stars(alice, 107)

    rate(alice, {110: 1, 111: 1, 112: 1})
    alice.state_version = new_state_version()

    assert again == before > stars(alice, 107)


def test_a_favourite_draws_to_its_kind_alone(alice: User, bob: User, model: str) -> None:
    favor(alice, 301)

    assert stars(alice, 302) > stars(bob, 302)
    assert stars(alice, 120) == stars(bob, 120)


def test_a_film_that_i_rated_is_predicted_as_if_i_had_not(alice: User, bob: User, model: str) -> None:
    for person in (alice, bob):
        rate(person, {101: 5, 104: 4})
    rate(alice, {107: 1})

    assert stars(alice, 107) == stars(bob, 107)


def test_without_a_model_votes_and_my_own_generosity_tell(alice: User, bob: User, cinema: None) -> None:
    make_movie(901, vote_count=20_000, vote_average=8.5)
    make_movie(902, vote_count=20_000, vote_average=4.0)
    refresh_columns()
    rate(alice, {101: 5, 201: 5, 301: 5})

    assert stars(bob, 901) > stars(bob, 902) + 1
    assert stars(alice, 902) > stars(bob, 902)


def test_a_film_that_came_after_the_training_is_predicted_from_its_votes(alice: User, model: str) -> None:
    make_movie(999, vote_count=20_000, vote_average=9.0)
    refresh_columns()

    assert stars(alice, 999) > 4
    assert {pick.tmdb_id: pick.predicted_rating for pick in recommended(alice).page(0, 500)}[999] == stars(alice, 999)


def test_where_nothing_tells_there_is_no_prediction(alice: User, bob: User, model: str) -> None:
    make_movie(998)
    refresh_columns()
    rate(bob, {101: 5})

    unknown_to_columns = make_movie(999, vote_count=20_000, vote_average=9.0)

    assert predict_rating(user=alice, tmdb_id=998) is None
    assert predict_rating(user=bob, tmdb_id=998) is not None
    assert predict_rating(user=bob, tmdb_id=unknown_to_columns.tmdb_id) is None


def test_an_empty_catalogue_predicts_nothing(alice: User) -> None:
    refresh_columns()
    rate_me = make_movie(7)
    rate(alice, {7: 5})

    assert predict_rating(user=alice, tmdb_id=rate_me.tmdb_id) is None


def test_seeds_do_not_change_what_i_would_think_of_a_film(alice: User, model: str) -> None:
    rate(alice, {101: 5, 202: 1})

    picks = recommended(alice, seeds=[208, 211]).page(0, 10)

    assert len(picks) == 10
    assert all(pick.predicted_rating == stars(alice, pick.tmdb_id) for pick in picks)


def test_similar_films_are_nobodys_in_particular(model: str) -> None:
    ranking = similar(movie=film(101), movie_filter=EVERYTHING)

    assert not ranking.is_for_a_person
    assert {pick.predicted_rating for pick in ranking.page(0, 20)} == {None}


@pytest.mark.parametrize("films", [1, 40])
def test_a_prediction_costs_one_query_however_long_the_history(
    alice: User, model: str, films: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refresh_columns()
    rate(alice, dict.fromkeys(ALL_FILMS[:films], 4))
    movie = film(301)
    predict_rating(user=alice, tmdb_id=movie.tmdb_id)

    with django_assert_num_queries(1):
        predict_rating(user=alice, tmdb_id=movie.tmdb_id)


@pytest.mark.usefixtures("model")
@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the cinema stays, and each example takes its ratings back
@given(
    given_stars=st.dictionaries(st.sampled_from(ALL_FILMS), st.integers(1, 5), max_size=12),
    later=st.sets(st.sampled_from(ALL_FILMS), max_size=6),
)
def test_a_film_has_the_same_prediction_alone_and_among_recommendations(
    alice: User, given_stars: dict[int, int], later: set[int]
) -> None:
    MovieRating.objects.filter(user=alice).delete()
    Watchlist.objects.filter(user=alice).delete()
    rate(alice, given_stars)
    for tmdb_id in later:
        put_on_watchlist(alice, tmdb_id)

    picks = recommended(alice).page(0, 100)

    alone = {tmdb_id: stars(alice, tmdb_id) for tmdb_id in {110, 210, 310} - given_stars.keys() - later}
    assert alone.items() <= {(pick.tmdb_id, pick.predicted_rating) for pick in picks}
    assert all(pick.predicted_rating is not None and 1 <= pick.predicted_rating <= 5 for pick in picks)
