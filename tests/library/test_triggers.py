"""Whatever is written to what a person did moves the version of their state, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from matinee.accounts.models import PersonState, User, UserProfile
from matinee.catalog.models import Movie
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from tests.recommendations.conftest import NOW, make_movie


@pytest.fixture
def heat(db: None) -> Movie:
    return make_movie(949)


def version(person: User) -> int:
    return PersonState.objects.get(user=person).version


def rated(person: User, movie: Movie) -> MovieRating:
    return MovieRating.objects.create(user=person, movie=movie, rating=4, created_at=NOW, updated_at=NOW)


Write = Callable[[User, Movie], object]
WRITES: dict[str, Write] = {
    "a favourite": lambda person, movie: Favorite.objects.create(user=person, movie=movie, created_at=NOW),
    "a watchlist entry": lambda person, movie: Watchlist.objects.create(user=person, movie=movie, created_at=NOW),
    "a dismissal": lambda person, movie: Dismissal.objects.create(user=person, movie=movie, created_at=NOW),
    "a rating": rated,
    "favourite genres": lambda person, _: UserProfile.objects.filter(user=person).update(favorite_genres=[18]),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_each_kind_of_write_moves_my_version_and_mine_alone(alice: User, bob: User, heat: Movie, write: Write) -> None:
    before = version(alice), version(bob)

    write(alice, heat)

    assert version(alice) != before[0]
    assert version(bob) == before[1]


def test_a_rating_that_changes_or_goes_moves_it_again(alice: User, heat: Movie) -> None:
    rating = rated(alice, heat)
    versions = [version(alice)]

    MovieRating.objects.filter(pk=rating.pk).update(rating=1)
    versions.append(version(alice))
    rating.delete()
    versions.append(version(alice))

    assert len(set(versions)) == 3


def test_a_film_that_goes_moves_it_for_everyone_whose_list_it_was_on(alice: User, bob: User, heat: Movie) -> None:
    WRITES["a favourite"](alice, heat)
    WRITES["a watchlist entry"](bob, heat)
    before = version(alice), version(bob)

    heat.delete()

    assert version(alice) != before[0]
    assert version(bob) != before[1]


def test_a_write_that_is_taken_back_leaves_the_version(alice: User, heat: Movie) -> None:
    before = version(alice)

    with transaction.atomic():
        rated(alice, heat)
        transaction.set_rollback(True)

    assert version(alice) == before


def test_somebody_who_goes_with_all_their_lists_leaves_no_state(alice: User, heat: Movie) -> None:
    for write in WRITES.values():
        write(alice, heat)

    alice.delete()

    assert not PersonState.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("back_to_the_newest_migration")
def test_people_who_were_there_before_get_a_state_and_the_triggers_can_be_put_back() -> None:
    executor = MigrationExecutor(connection)
    before = executor.migrate([("accounts", "0007_encrypt_profiles"), ("library", "0002_trending")]).apps
    carol = before.get_model("accounts", "User").objects.create(
        email="carol@example.org", email_key="carol", username="carol", username_key="carol", date_joined=NOW
    )

    MigrationExecutor(connection).migrate([("library", "0003_state_versions")])

    first = PersonState.objects.get(user_id=carol.pk).version
    rated(User.objects.get(pk=carol.pk), make_movie(949))
    assert PersonState.objects.get(user_id=carol.pk).version != first
