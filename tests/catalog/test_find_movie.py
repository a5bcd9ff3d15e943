from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.lookup import UnknownMovie, find_movie
from matinee.catalog.models import Movie
from tests.catalog.films import film

pytestmark = pytest.mark.django_db


def test_a_film_is_found_by_its_tmdb_id() -> None:
    Movie.objects.bulk_create([film(1), film(949)])

    assert find_movie(949).tmdb_id == 949


@pytest.mark.parametrize("tmdb_id", [2, 0, -1, 2**63 - 1, 2**63, 10**30])
def test_an_unknown_film_is_refused(tmdb_id: int) -> None:
    film(1).save()

    with pytest.raises(UnknownMovie) as refusal:
        find_movie(tmdb_id)

    assert refusal.value.code == "movie_not_found"


def test_films_come_in_the_order_asked_for_by_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    Movie.objects.bulk_create([film(id_) for id_ in range(1, 101)])

    with django_assert_num_queries(1):
        found = Movie.objects.by_tmdb_ids([50, 3, 1000, 7, *range(100, 50, -1)])

    assert [movie.tmdb_id for movie in found] == [50, 3, 7, *range(100, 50, -1)]


def test_no_ids_are_no_films_and_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert Movie.objects.by_tmdb_ids([]) == []
