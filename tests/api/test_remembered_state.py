"""A person is remembered between requests, and what they write shows in the very next answer, whoever wrote it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest
from django.db import connections
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import PersonState, User
from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.catalog.models import Movie
from matinee.core.remembered import Remembered
from matinee.library import history
from matinee.library.models import Favorite, MovieRating
from tests.api.conftest import NOW, Answer, Api, MakeMovie, signed_in_as


def flags(card: dict[str, Any]) -> tuple[bool, bool, int | None]:
    return card["is_favorite"], card["in_watchlist"], card["user_rating"]


def of_first(api: Api) -> tuple[bool, bool, int | None]:
    return flags(api.get("movies/").json()["results"][0])


def test_whoever_asks_again_is_read_once_more_and_then_not_at_all(
    as_alice: Api, make_movie: MakeMovie, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_movie(603)
    refresh_columns()
    refresh_cards()

    pages = []
    for queries in (2, 2, 1, 1):  # who asks; my flags on the films, then all that I did, then nothing
        with django_assert_num_queries(queries):
            pages.append(as_alice.get("movies/").content)

    assert len(set(pages)) == 1


@pytest.mark.parametrize("kind", ["favorites", "watchlist"])
def test_a_list_of_mine_is_read_once_until_i_do_something(
    kind: str, as_alice: Api, make_movie: MakeMovie, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_movie(603), make_movie(604)
    refresh_columns()
    refresh_cards()
    as_alice.post(f"movies/{kind}/", {"movie_id": 603})
    pages = [as_alice.get(f"movies/{kind}/").json() for _ in range(3)]

    with django_assert_num_queries(1):  # who asks
        pages.append(as_alice.get(f"movies/{kind}/").json())
    as_alice.post(f"movies/{kind}/", {"movie_id": 604})
    both = as_alice.get(f"movies/{kind}/").json()
    as_alice.delete(f"movies/{kind}/603/")
    other = as_alice.get(f"movies/{kind}/").json()

    assert [[film["tmdb_id"] for film in page["results"]] for page in pages] == [[603]] * 4
    assert ([film["tmdb_id"] for film in both["results"]], both["total_results"]) == ([604, 603], 2)
    assert ([film["tmdb_id"] for film in other["results"]], other["total_results"]) == ([604], 1)


def test_each_write_shows_in_the_next_answer_however_well_i_was_remembered(
    as_alice: Api, make_movie: MakeMovie
) -> None:
    make_movie(603)
    for _ in range(3):
        as_alice.get("movies/")

    seen = [of_first(as_alice)]
    writes: list[Callable[[], Answer]] = [
        lambda: as_alice.post("movies/favorites/", {"movie_id": 603}),
        lambda: as_alice.post("movies/watchlist/", {"movie_id": 603}),
        lambda: as_alice.post("movies/603/rate/", {"rating": 4}),
        lambda: as_alice.delete("movies/favorites/603/"),
        lambda: as_alice.put("movies/603/rate/", {"rating": 1}),
        lambda: as_alice.delete("movies/watchlist/603/"),
        lambda: as_alice.delete("movies/603/rate/"),
    ]
    for write in writes:
        write()
        seen += [of_first(as_alice), flags(as_alice.get("movies/603/").json())]

    assert seen[0] == (False, False, None)
    assert seen[1::2] == seen[2::2]
    assert seen[1::2] == [
        (True, False, None),
        (True, True, None),
        (True, True, 4),
        (False, True, 4),
        (False, True, 1),
        (False, False, 1),
        (False, False, None),
    ]


def test_a_write_answers_with_what_it_has_just_changed(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    for _ in range(3):
        as_alice.get("movies/")

    answered = as_alice.post("movies/favorites/", {"movie_id": 603}).json()

    assert answered["is_favorite"] is True


def test_nobody_is_remembered_as_somebody_else(as_alice: Api, as_bob: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    as_alice.post("movies/favorites/", {"movie_id": 603})

    for _ in range(3):
        assert of_first(as_alice) == (True, False, None)
        assert of_first(as_bob) == (False, False, None)


def test_somebody_without_a_state_is_read_anew_each_time(as_alice: Api, alice: User, make_movie: MakeMovie) -> None:
    make_movie(603)
    PersonState.objects.filter(user=alice).delete()
    as_alice.get("movies/603/")

    movie = Movie.objects.get(tmdb_id=603)
    MovieRating.objects.create(user=alice, movie=movie, rating=2, created_at=NOW, updated_at=NOW)

    assert flags(as_alice.get("movies/603/").json()) == (False, False, 2)


def test_a_history_too_long_to_remember_is_read_each_time(
    as_alice: Api, alice: User, make_movie: MakeMovie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_people", Remembered[Any](1, weight=lambda person: person.weight))
    Favorite.objects.create(user=alice, movie=make_movie(603), created_at=NOW)

    assert [of_first(as_alice) for _ in range(3)] == [(True, False, None)] * 3


def _write_when_told(orders: Connection[Any, Any], access: str | None) -> None:
    """A second web worker: makes the film a favourite or takes that back, and answers when it is done."""
    elsewhere = Api(access)
    while (wanted := orders.recv()) is not None:
        elsewhere.post("movies/favorites/", {"movie_id": 603}) if wanted else elsewhere.delete("movies/favorites/603/")
        orders.send(of_first(elsewhere))
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_what_one_process_writes_another_shows_in_its_next_answer(make_movie: MakeMovie, alice: User) -> None:
    make_movie(603)
    here = signed_in_as(alice)
    ours, theirs = multiprocessing.Pipe()
    connections.close_all()  # a connection can't be shared with a fork
    worker = multiprocessing.get_context("fork").Process(target=_write_when_told, args=(theirs, here.token))
    worker.start()
    try:
        for number in range(20):
            is_favorite = number % 2 == 0
            ours.send(is_favorite)
            assert ours.recv() == (is_favorite, False, None)
            assert of_first(here) == (is_favorite, False, None)
            assert here.get("movies/favorites/").json()["total_results"] == is_favorite
            assert here.post("movies/603/rate/", {"rating": number % 5 + 1}).status_code in {200, 201}
            assert of_first(here) == (is_favorite, False, number % 5 + 1)
            here.delete("movies/603/rate/")
    finally:
        ours.send(None)
        worker.join(30)
    assert worker.exitcode == 0
