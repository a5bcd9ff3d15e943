"""Of a franchise a few films are recommended before everything else; none is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from matinee.accounts.models import User
from matinee.catalog.columns import refresh_columns
from matinee.catalog.filters import EVERYTHING, MovieFilter, Sort
from matinee.catalog.models import Collection, Movie
from matinee.recommendations.serving import MOST_OF_A_COLLECTION, similar
from tests.recommendations.conftest import ALL_FILMS, SPACE, SPACE_FILMS, film, ids, rate, recommended

SAGA, TWINS = SPACE_FILMS[:12], SPACE_FILMS[12:14]


@pytest.fixture(autouse=True)
def _franchises(model: str) -> None:
    put_into(1, SAGA)
    put_into(2, TWINS)
    refresh_columns()


def put_into(collection: int, tmdb_ids: Sequence[int]) -> None:
    Collection.objects.create(id=collection, name=f"Franchise {collection}")
    Movie.objects.filter(tmdb_id__in=tmdb_ids).update(collection_id=collection)


def without_franchises(person: User) -> list[int]:
    Movie.objects.update(collection_id=None)
    refresh_columns()
    return ids(recommended(person))


def few_first(tmdb_ids: Sequence[int], franchise: Sequence[int]) -> list[int]:
    """By hand: what stands behind since the franchise had its turn."""
    seen = [tmdb_id for tmdb_id in tmdb_ids if tmdb_id in franchise]
    late = seen[MOST_OF_A_COLLECTION:]
    return [tmdb_id for tmdb_id in tmdb_ids if tmdb_id not in late] + late


def test_three_of_a_franchise_come_before_everything_else_and_the_rest_behind(alice: User) -> None:
    rate(alice, {130: 5})
    answer = ids(recommended(alice))

    before = without_franchises(alice)

    assert len([tmdb_id for tmdb_id in before[:12] if tmdb_id in SAGA]) > 3, "or there is nothing to hold back"
    assert answer == few_first(before, SAGA)
    assert sorted(answer) == sorted(set(ALL_FILMS) - {130})


def test_who_has_done_nothing_is_shown_few_of_each_too(alice: User) -> None:
    answer = ids(recommended(alice))

    assert answer == few_first(without_franchises(alice), SAGA)


def test_pages_neither_overlap_nor_skip(alice: User) -> None:
    rate(alice, {130: 5})
    ranking = recommended(alice)

    paged = [pick.tmdb_id for start in range(0, 100, 7) for pick in ranking.page(start, start + 7)]

    assert paged == ids(ranking)
    assert len(paged) == len(set(paged)) == len(ALL_FILMS) - 1


def test_a_filter_that_lets_through_little_else_shows_all_of_it(alice: User) -> None:
    Movie.objects.filter(tmdb_id__in=SAGA).update(release_date=dt.date(1950, 1, 1))
    refresh_columns()

    answer = ids(recommended(alice, movie_filter=MovieFilter(released_to=dt.date(1959, 12, 31))))

    assert sorted(answer) == list(SAGA)


def test_an_order_of_the_clients_own_is_kept(alice: User) -> None:
    answer = ids(recommended(alice, sort=Sort("popularity", descending=True)))

    assert answer == sorted(ALL_FILMS, reverse=True)


def test_diversity_and_seeds_hold_back_as_well(alice: User) -> None:
    varied = ids(recommended(alice, diversity=0.3, seeds=[130], movie_filter=MovieFilter(all_genres=(SPACE,))))

    assert len([tmdb_id for tmdb_id in varied[:20] if tmdb_id in SAGA]) <= 3
    assert sorted(varied) == sorted(set(SPACE_FILMS) - {130})


def test_of_films_like_one_none_is_held_back(alice: User) -> None:
    alike = ids(similar(movie=film(SAGA[0]), movie_filter=EVERYTHING))

    without_franchises(alice)

    assert ids(similar(movie=film(SAGA[0]), movie_filter=EVERYTHING)) == alike
