from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.columns import refresh_columns
from matinee.catalog.filters import EVERYTHING, MovieFilter, Sort
from matinee.catalog.models import Movie
from matinee.recommendations.serving import similar
from matinee.recommendations.training import train
from tests.recommendations.conftest import (
    NOW,
    ROMANCE,
    SPACE,
    SPACE_FILMS,
    WESTERN,
    WESTERNS,
    film,
    ids,
    make_movie,
    make_person,
    rate,
    recommended,
)


def test_films_that_the_same_people_love_come_first_and_say_so(model: str) -> None:
    ranking = similar(movie=film(101), movie_filter=EVERYTHING)

    assert set(ids(ranking)[:10]) <= set(SPACE_FILMS[::3])  # every third has the same fans
    assert {pick.source for pick in ranking.page(0, 10)} == {"taste"}
    assert ranking.model_version == model
    assert not ranking.personalised


def test_where_nobody_has_rated_it_content_speaks(model: str) -> None:
    ranking = similar(movie=film(301), movie_filter=EVERYTHING)

    assert set(ids(ranking)[:9]) == set(WESTERNS[1:])
    assert {pick.source for pick in ranking.page(0, 9)} == {"similar"}


def test_they_stand_in_the_order_of_their_scores(model: str) -> None:
    make_movie(999, genre_ids=[SPACE])
    ranking = similar(movie=film(101), movie_filter=EVERYTHING)

    scores = [pick.score for pick in ranking.page(0, 500)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1] == 0.0, "the popular ones of its genres are not like it"


def test_the_film_itself_is_not_like_itself(model: str) -> None:
    assert 101 not in ids(similar(movie=film(101), movie_filter=EVERYTHING))


def test_it_is_filled_up_with_the_popular_ones_of_its_genres(model: str) -> None:
    unlike = make_movie(999, genre_ids=[WESTERN], title="In no model yet")

    ranking = similar(movie=unlike, movie_filter=EVERYTHING)

    assert ids(ranking) == list(WESTERNS)  # those of lower id have more votes
    assert {(pick.source, pick.because) for pick in ranking.page(0, 20)} == {("popular", ())}


def test_without_a_model_it_is_the_popular_ones_of_its_genres(cinema: None) -> None:
    ranking = similar(movie=film(303), movie_filter=EVERYTHING)

    assert ids(ranking) == [tmdb_id for tmdb_id in WESTERNS if tmdb_id != 303]
    assert ranking.model_version is None


def test_the_filter_is_applied_before_the_best_are_picked(model: str) -> None:
    romances = MovieFilter(all_genres=(ROMANCE,))
    make_movie(999, genre_ids=[SPACE, ROMANCE])
    train(now=NOW)

    ranking = similar(movie=film(101), movie_filter=romances)

    assert 999 in ids(ranking)
    assert {tmdb_id // 100 for tmdb_id in ids(ranking)} <= {2, 9}


def test_sort_reorders_the_films_picked(model: str) -> None:
    by_likeness = similar(movie=film(101), movie_filter=EVERYTHING)
    by_popularity = similar(movie=film(101), movie_filter=EVERYTHING, sort=Sort("popularity", descending=True))

    assert ids(by_popularity) == sorted(ids(by_likeness), reverse=True)


def test_every_part_of_a_long_answer_is_there_once(cinema: None) -> None:
    Movie.objects.bulk_create(
        Movie(tmdb_id=tmdb_id, title="One of many", genre_ids=[SPACE], created_at=NOW, updated_at=NOW)
        for tmdb_id in range(1_000, 1_600)
    )
    train(now=NOW)

    ranking = similar(movie=film(101), movie_filter=EVERYTHING)

    assert ranking.total == len(set(ids(ranking))) == 500
    assert {"similar", "popular"} == {pick.source for pick in ranking.page(0, 500)}


def test_it_costs_no_query(model: str, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    refresh_columns()
    alien = film(101)
    similar(movie=alien, movie_filter=EVERYTHING)

    with django_assert_num_queries(0):
        similar(movie=alien, movie_filter=EVERYTHING).page(0, 20)


@pytest.mark.usefixtures("model")
def test_what_a_person_does_changes_nothing_about_what_is_similar(alice: User) -> None:
    before = similar(movie=film(101), movie_filter=EVERYTHING).page(0, 20)

    rate(alice, {104: 1, 107: 5})
    recommended(alice)
    make_person("carol", favorite_genres=[WESTERN])

    assert similar(movie=film(101), movie_filter=EVERYTHING).page(0, 20) == before
