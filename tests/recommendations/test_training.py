from __future__ import annotations

import datetime as dt
import fcntl
import io

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.erasure import erase
from matinee.accounts.models import User
from matinee.catalog.models import Collection, Movie
from matinee.library.models import Favorite, MovieRating
from matinee.recommendations.community import Films, Ratings, store_community
from matinee.recommendations.freshness import is_behind, may_have_changed, model_store
from matinee.recommendations.signals import film_features, own_interactions
from matinee.recommendations.tasks import train_model
from matinee.recommendations.training import TrainingUnderWay, train
from tests.recommendations.conftest import ALL_FILMS, NOW, dismiss, favor, film, make_movie, put_on_watchlist, rate

LATER = NOW + dt.timedelta(days=1)


def own_ratings(now: dt.datetime = NOW) -> list[tuple[int, int, float]]:
    """(person, film, stars), the people numbered from 0."""
    own, _ = own_interactions(now=now)
    films = own.item_ids[own.item_rows]
    return list(zip(own.user_rows.tolist(), films.tolist(), own.ratings.tolist(), strict=True))


def store_strangers(films: list[int], name: str = "strangers") -> None:
    """Three people who rate all of `films` alike; the films are known by TMDb id, or by 0 not at all."""
    count = len(films)
    numbers = np.arange(1, count + 1, dtype=np.int32)
    ratings = Ratings(
        user_rows=np.repeat(np.arange(3, dtype=np.int32), count),
        item_rows=np.tile(np.arange(count, dtype=np.int32), 3),
        ratings=np.full(3 * count, 4.5, dtype=np.float32),
        timestamps=np.full(3 * count, 1_000_000, dtype=np.int64),
        movielens_ids=numbers,
    )
    known = Films(numbers, np.array(films, dtype=np.int64), [f"Unheard of {number} (1950)" for number in numbers])
    store_community(name, numbering="movielens", ratings=ratings, films=known)


def notes(version: str) -> dict[str, object]:
    return dict(model_store().open(version).notes)


def digest(version: str) -> str:
    return version.partition("-")[2]


def test_ratings_and_favourites_of_active_people_are_learned_from(alice: User, bob: User, cinema: None) -> None:
    rate(alice, {101: 4, 102: 1})
    favor(alice, 103)
    rate(bob, {101: 5})
    bob.is_active = False
    bob.save()

    assert own_ratings() == [(0, 101, 4.0), (0, 102, 1.0), (0, 103, 5.0)]


def test_whoever_was_erased_is_not_learned_from(alice: User, bob: User, cinema: None) -> None:
    rate(alice, {101: 4, 102: 1})
    favor(alice, 103)
    rate(bob, {101: 5})

    erase(alice, by=None, now=NOW)

    assert own_ratings() == [(0, 101, 5.0)]


def test_a_favourite_counts_as_five_stars_even_where_it_was_rated_lower(alice: User, cinema: None) -> None:
    rate(alice, {101: 3})
    favor(alice, 101)

    assert own_ratings() == [(0, 101, 5.0)]


def test_what_nobody_has_seen_yet_is_not_learned_from(alice: User, cinema: None) -> None:
    put_on_watchlist(alice, 101)
    dismiss(alice, 102)

    assert own_ratings() == []


def test_the_cut_is_at_now(alice: User, cinema: None) -> None:
    rate(alice, {101: 4})
    MovieRating.objects.create(user=alice, movie=film(102), rating=5, created_at=LATER, updated_at=LATER)
    Favorite.objects.create(user=alice, movie=film(103), created_at=LATER)

    assert own_ratings() == [(0, 101, 4.0)]
    assert len(own_ratings(LATER)) == 3


@pytest.mark.parametrize("films", [1, 40])
def test_gathering_costs_three_queries_however_much_there_is(
    alice: User, cinema: None, films: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rate(alice, dict.fromkeys(ALL_FILMS[:films], 4))

    with django_assert_num_queries(3):
        own_interactions(now=NOW)
        film_features()


def test_features_are_what_the_rows_say_and_odd_entries_are_passed_over(db: None) -> None:
    make_movie(
        7,
        collection=Collection.objects.create(id=8091, name="Alien Collection"),
        genre_ids=[878, {"id": 3}, None],
        keywords=["space", {"name": "alien"}, ["?"]],
        original_language="en",
        production_countries=[{"iso_3166_1": "US", "name": "United States"}],
        production_companies=[{"id": 4, "name": "Paramount"}],
        release_date=dt.date(1979, 5, 25),
        vote_count=10,
        vote_average=8.0,
    )
    make_movie(3, cast="nobody", directors=["Ridley Scott"])

    features, acclaim, promised = film_features()

    sizes = {name: np.diff(matrix.indptr).tolist() for name, matrix in features.fields.items()}
    assert features.item_ids.tolist() == [3, 7]
    assert sizes == {
        "genres": [0, 1],
        "keywords": [0, 2],
        "directors": [1, 0],
        "cast": [0, 0],
        "collections": [0, 1],
        "languages": [0, 1],
        "countries": [0, 1],
        "companies": [0, 1],
        "eras": [0, 2],
    }
    assert acclaim.tolist() == [0.0, 1.0]
    assert promised[0] < promised[1]


def test_a_model_says_what_it_was_trained_on_and_how(fans: None) -> None:
    store_strangers([101, 0])

    report = train(now=NOW)

    own = MovieRating.objects.count()
    assert (report.data.films, report.data.own_people, report.data.own_ratings) == (len(ALL_FILMS), 60, own)
    assert report.data.community_ratings == {"strangers": 6}
    assert report.data.ratings == own + 6
    kept = notes(report.version)
    assert kept["data"] == report.data.__dict__
    assert set(kept) == {"layout", "config", "data", "held_out"}


def test_films_that_match_nothing_help_the_fit_and_are_never_scored(cinema: None) -> None:
    store_strangers([101, 0, 777])

    model = model_store().open(train(now=NOW).version).arrays

    assert model["item_ids"].min() > 0
    assert 777 in model["item_ids"]  # known by its id, in no catalogue yet
    scored = model["item_ids"][np.unique(model["links_columns"])]
    assert set(scored.tolist()) <= set(ALL_FILMS)


def test_two_fits_on_the_same_data_give_the_same_artifact(fans: None) -> None:
    store_strangers([101, 0])

    first, second = train(now=NOW).version, train(now=LATER).version

    assert first != second
    assert digest(first) == digest(second)


def test_an_instance_with_nothing_at_all_can_be_trained(db: None) -> None:
    report = train(now=NOW)

    assert report.data.films == report.data.ratings == 0


def test_only_one_trains_at_a_time(db: None) -> None:
    settings.ARTIFACTS_DIR.mkdir(parents=True)
    with (settings.ARTIFACTS_DIR / "training.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert train_model.call() is None
        with pytest.raises(TrainingUnderWay):
            train(now=NOW)

    assert train(now=NOW).version


def test_stages_are_told_as_they_begin(db: None) -> None:
    stages: list[str] = []

    train(now=NOW, on_stage=stages.append)

    assert stages[0] == "Reading films"
    assert stages[-1] == "Publishing"


def test_a_model_is_behind_once_there_are_films(db: None) -> None:
    assert not is_behind()

    make_movie(1)

    assert is_behind()
    assert not may_have_changed()


def test_a_model_is_behind_after_enough_new_ratings_and_favourites(alice: User, cinema: None) -> None:
    train(now=NOW)
    assert not is_behind()

    rate(alice, dict.fromkeys(ALL_FILMS[:19], 4))
    assert not is_behind()
    assert may_have_changed()

    favor(alice, 101)
    assert is_behind()


def test_a_model_is_behind_after_enough_new_films(cinema: None) -> None:
    train(now=NOW)
    Movie.objects.bulk_create(
        Movie(tmdb_id=tmdb_id, title="New", created_at=NOW, updated_at=NOW) for tmdb_id in range(1_000, 1_020)
    )

    assert is_behind()


def test_asking_costs_the_same_few_queries_however_much_there_is(
    fans: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    train(now=NOW)

    with django_assert_num_queries(3):
        assert not is_behind()
    with django_assert_num_queries(0):
        assert may_have_changed()


def test_a_model_is_behind_after_other_community_ratings(cinema: None) -> None:
    store_strangers([101])
    train(now=NOW)
    assert not is_behind()

    store_strangers([101, 102])

    assert is_behind()


def test_a_large_model_waits_for_a_noticeable_part(alice: User, cinema: None) -> None:
    store_strangers([0] * 10_000)
    train(now=NOW)

    rate(alice, dict.fromkeys(ALL_FILMS[:50], 4))
    assert not is_behind()

    rate(alice, dict.fromkeys(ALL_FILMS[50:60], 4))
    assert is_behind()


def test_people_behind_a_model_may_always_have_changed_their_minds(alice: User, cinema: None) -> None:
    train(now=NOW)
    assert not may_have_changed()

    rate(alice, {101: 4})
    train(now=NOW)

    assert may_have_changed()


def test_a_model_that_this_program_can_not_read_is_behind(cinema: None) -> None:
    train(now=NOW)
    store = model_store()
    model = store.open_newest()
    assert model is not None

    store.publish(model.arrays, {**model.notes, "layout": 0})

    assert is_behind()


def test_a_model_of_another_making_is_trained_anew(cinema: None) -> None:
    model_store().publish({"item_ids": np.arange(3)}, {"data": {"films": 3}})

    assert is_behind()


def test_the_task_trains(cinema: None) -> None:
    version = train_model.call()

    assert model_store().current_version() == version


def test_the_command_tells_its_stages_and_what_is_in_service(alice: User, cinema: None) -> None:
    rate(alice, {101: 4, 102: 5})
    store_strangers([101])
    told = io.StringIO()

    call_command("train", stdout=told)

    lines = told.getvalue().splitlines()
    assert lines[0] == "Reading films ..."
    assert lines[-1].endswith("90 films, 2 own ratings and favourites (people: 1), 3 community ratings (strangers).")


def test_the_command_gives_way_to_another_training(db: None) -> None:
    settings.ARTIFACTS_DIR.mkdir(parents=True)
    with (settings.ARTIFACTS_DIR / "training.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(CommandError, match="being trained") as error:
            call_command("train")

    assert error.value.returncode == 75
