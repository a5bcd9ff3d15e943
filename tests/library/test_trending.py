"""What people act on of late: who and what counts, in which order, and for how long it is kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.catalog.columns import refresh_columns
from matinee.catalog.filters import EVERYTHING, MovieFilter, Sort
from matinee.catalog.models import Movie
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from matinee.library.trending import KEPT_FOR, PEOPLE_OF_FILMS, Window, count_people, trending

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HOUR, DAY, WEEK = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=7)
SECOND = dt.timedelta(seconds=1)
DRAMA = 18


@pytest.fixture
def people(db: None) -> list[User]:
    """Alice, bob, carol, dave and eve."""
    return [
        User.objects.create(email=f"{name}@example.org", username=name, date_joined=NOW)
        for name in ("alice", "bob", "carol", "dave", "eve")
    ]


@pytest.fixture
def films(db: None) -> dict[int, Movie]:
    """1 to 6, the higher the more popular; odd ones are dramas."""
    return {
        number: Movie.objects.create(
            tmdb_id=number,
            title=f"Film {number}",
            popularity=float(number),
            genre_ids=[DRAMA] if number % 2 else [],
            created_at=NOW,
            updated_at=NOW,
        )
        for number in range(1, 7)
    }


def favor(film: Movie, *people: User, at: dt.datetime = NOW - HOUR) -> None:
    for person in people:
        Favorite.objects.create(user=person, movie=film, created_at=at)


def rate(
    film: Movie, person: User, stars: int, *, first: dt.datetime = NOW - HOUR, last: dt.datetime | None = None
) -> None:
    MovieRating.objects.create(user=person, movie=film, rating=stars, created_at=first, updated_at=last or first)


def trend(
    *,
    window: Window = "week",
    movie_filter: MovieFilter = EVERYTHING,
    sort: Sort | None = None,
    now: dt.datetime = NOW,
) -> list[int]:
    ids: list[int] = trending(window=window, movie_filter=movie_filter, sort=sort, now=now).tolist()
    return ids


def crowds(length: dt.timedelta = WEEK) -> dict[int, int]:
    counted = count_people(since=NOW - length, now=NOW)
    return dict(zip(counted.tmdb_ids.tolist(), counted.people.tolist(), strict=True))


def test_what_most_people_act_on_comes_first_then_what_is_popular(people: list[User], films: dict[int, Movie]) -> None:
    favor(films[1], *people[:3])
    favor(films[2], *people[:4])

    assert trend() == [2, 1, 6, 5, 4, 3]


def test_with_nothing_done_it_is_what_is_popular(films: dict[int, Movie]) -> None:
    assert trend() == [6, 5, 4, 3, 2, 1]


def test_a_film_counts_from_three_people_on(people: list[User], films: dict[int, Movie]) -> None:
    favor(films[1], *people[:2])
    assert crowds() == {}

    favor(films[1], people[2])
    assert crowds() == {1: 3}


def test_of_a_person_and_a_film_one_action_counts(people: list[User], films: dict[int, Movie]) -> None:
    alice, bob, carol, *_ = people
    favor(films[1], alice, bob)
    Watchlist.objects.create(user=alice, movie=films[1], created_at=NOW - HOUR)
    rate(films[1], alice, 5)
    assert crowds() == {}

    rate(films[1], carol, 4)
    assert crowds() == {1: 3}


def test_favourites_watchlist_entries_and_high_ratings_count_and_nothing_else(
    people: list[User], films: dict[int, Movie]
) -> None:
    alice, bob, carol, dave, eve = people
    favor(films[1], alice)
    Watchlist.objects.create(user=bob, movie=films[1], created_at=NOW - HOUR)
    rate(films[1], carol, 4)
    rate(films[1], dave, 3)
    Dismissal.objects.create(user=eve, movie=films[1], created_at=NOW - HOUR)

    assert crowds() == {1: 3}


@pytest.mark.parametrize("length", [DAY, WEEK])
def test_the_window_ends_now_and_begins_a_day_or_a_week_ago(
    people: list[User], films: dict[int, Movie], length: dt.timedelta
) -> None:
    favor(films[1], *people[:3], at=NOW - length + SECOND)
    favor(films[2], *people[:3], at=NOW - length)
    favor(films[3], *people[:3], at=NOW)
    favor(films[4], *people[:3], at=NOW + SECOND)

    assert crowds(length) == {1: 3, 3: 3}


def test_each_window_has_its_own_answer(people: list[User], films: dict[int, Movie]) -> None:
    favor(films[1], *people[:3], at=NOW - 2 * DAY)

    assert trend(window="week")[0] == 1
    assert trend(window="day")[0] == 6


def test_thinking_better_of_a_film_counts_when_it_happens(people: list[User], films: dict[int, Movie]) -> None:
    for person in people[:3]:
        rate(films[1], person, 5, first=NOW - 2 * WEEK, last=NOW - HOUR)

    assert crowds() == {1: 3}


def test_deactivated_people_do_not_count(people: list[User], films: dict[int, Movie]) -> None:
    favor(films[1], *people[:3])
    people[0].is_active = False
    people[0].save()

    assert crowds() == {}


def test_of_as_many_people_the_more_popular_is_first_and_unknown_popularity_last(
    people: list[User], films: dict[int, Movie]
) -> None:
    Movie.objects.filter(tmdb_id=2).update(popularity=None)
    Movie.objects.filter(tmdb_id__in=[3, 4]).update(popularity=9.0)
    for number in (1, 2, 3, 4):
        favor(films[number], *people[:3])

    assert trend() == [3, 4, 1, 2, 6, 5]


def test_filters_apply_before_films_are_picked(people: list[User], films: dict[int, Movie]) -> None:
    favor(films[1], *people[:3])
    favor(films[2], *people)

    assert trend(movie_filter=MovieFilter(all_genres=(DRAMA,))) == [1, 5, 3]
    assert trend(movie_filter=MovieFilter(all_genres=(99,))) == []


def test_sort_reorders_the_films_picked(people: list[User], films: dict[int, Movie]) -> None:
    favor(films[1], *people[:3])

    assert trend(sort=Sort("title", descending=True)) == [6, 5, 4, 3, 2, 1]


def test_it_is_five_hundred_films_deep_and_each_is_there_once(people: list[User], films: dict[int, Movie]) -> None:
    Movie.objects.bulk_create(
        Movie(tmdb_id=number, title="Many", popularity=50.0, created_at=NOW, updated_at=NOW)
        for number in range(1_000, 1_600)
    )
    favor(films[1], *people[:3])
    favor(Movie.objects.get(tmdb_id=1_200), *people[:3])

    picked = trend()

    assert len(picked) == len(set(picked)) == 500
    assert picked[:3] == [1_200, 1, 1_000]


def test_a_film_that_the_columns_do_not_hold_yet_is_left_out(people: list[User], films: dict[int, Movie]) -> None:
    refresh_columns()
    favor(Movie.objects.create(tmdb_id=99, title="New", created_at=NOW, updated_at=NOW), *people[:3])

    assert trend() == [6, 5, 4, 3, 2, 1]


def test_counts_are_kept_for_some_seconds_and_then_read_anew(
    people: list[User], films: dict[int, Movie], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refresh_columns()
    favor(films[1], *people[:3])
    with django_assert_num_queries(1):
        assert trend()[0] == 1

    favor(films[2], *people[:4])
    with django_assert_num_queries(0):
        assert trend(now=NOW + KEPT_FOR - SECOND)[0] == 1
    with django_assert_num_queries(1):
        assert trend(now=NOW + KEPT_FOR)[0] == 2


def test_nothing_of_a_person_is_kept(people: list[User], films: dict[int, Movie]) -> None:
    favor(films[1], *people[:3])
    favor(films[2], people[0])

    kept: dict[str, Any] = count_people(since=NOW - WEEK, now=NOW).__dict__

    assert {name: value if name == "counted_at" else value.tolist() for name, value in kept.items()} == {
        "counted_at": NOW,
        "tmdb_ids": [1],
        "people": [3],
    }


def test_counting_reads_the_indexes_of_what_is_new_alone(people: list[User], films: dict[int, Movie]) -> None:
    many = Movie.objects.bulk_create(
        Movie(tmdb_id=tmdb_id, title="Old", created_at=NOW, updated_at=NOW) for tmdb_id in range(100, 700)
    )
    pairs = [{"user": person, "movie": film, "created_at": NOW - 52 * WEEK} for person in people for film in many]
    Favorite.objects.bulk_create(Favorite(**pair) for pair in pairs)
    Watchlist.objects.bulk_create(Watchlist(**pair) for pair in pairs)
    MovieRating.objects.bulk_create(MovieRating(**pair, rating=4, updated_at=NOW - 52 * WEEK) for pair in pairs)
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    instants = [connection.ops.adapt_datetimefield_value(instant) for instant in (NOW - DAY, NOW)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Else the plan goes by how many rows somebody last saw there.
            cursor.execute("ANALYZE library_favorite, library_watchlist, library_movierating")
        cursor.execute(f"{explain} {PEOPLE_OF_FILMS}", [*instants * 3, 3])
        plan = " ".join(str(row) for row in cursor.fetchall())

    assert {name for name in ("favorites_of_late", "watchlist_of_late", "liked_of_late") if name not in plan} == set()
