"""Every change of a film reaches every consumer's outbox, in the transaction of the change."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from matinee.catalog.cards import KIND as CARDS
from matinee.catalog.columns import KIND as COLUMNS
from matinee.catalog.models import ChangeConsumer, Genre, Movie, MovieChange, WatchProvider
from matinee.catalog.published_postings import KIND as POSTINGS
from tests.catalog.films import NOW, film


def outbox() -> list[int]:
    return changes_for(COLUMNS)


def changes_for(consumer: str) -> list[int]:
    return list(MovieChange.objects.filter(consumer=consumer).order_by("id").values_list("tmdb_id", flat=True))


@pytest.mark.django_db
class TestTheOutbox:
    def test_a_new_film_is_recorded(self) -> None:
        film(949).save()

        assert outbox() == [949]

    def test_films_added_in_bulk_are_recorded_each(self) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])

        assert sorted(outbox()) == [1, 2, 3]

    def test_a_film_that_was_there_already_is_no_change(self) -> None:
        Movie.objects.bulk_create([film(1)])
        Movie.objects.bulk_create([film(1), film(2)], ignore_conflicts=True)

        assert sorted(outbox()) == [1, 2]

    def test_an_upsert_is_recorded_once(self) -> None:
        Movie.objects.bulk_create([film(1)])
        MovieChange.objects.all().delete()

        Movie.objects.bulk_create(
            [film(1, "Ran"), film(2)], update_conflicts=True, unique_fields=["tmdb_id"], update_fields=["title"]
        )

        assert sorted(outbox()) == [1, 2]

    def test_a_changed_film_is_recorded_by_whatever_way(self) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        MovieChange.objects.all().delete()

        Movie.objects.filter(tmdb_id__lte=2).update(runtime=170)
        third = Movie.objects.get(tmdb_id=3)
        third.save()
        Movie.objects.bulk_update([third], ["title"])

        assert sorted(outbox()) == [1, 2, 3, 3]

    def test_a_film_under_a_new_id_is_recorded_under_both(self) -> None:
        film(1).save()
        MovieChange.objects.all().delete()

        Movie.objects.filter(tmdb_id=1).update(tmdb_id=7)

        assert sorted(outbox()) == [1, 7]

    def test_deleted_films_are_recorded_however_they_go(self) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        MovieChange.objects.all().delete()

        Movie.objects.get(tmdb_id=1).delete()
        Movie.objects.filter(tmdb_id=2).delete()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM catalog_movie")

        assert sorted(outbox()) == [1, 2, 3]

    def test_each_consumer_gets_a_row_of_its_own(self) -> None:
        ChangeConsumer.objects.create(name="another")

        film(1).save()

        told = sorted(MovieChange.objects.values_list("consumer", "tmdb_id"))
        assert told == sorted([("another", 1), (CARDS, 1), (COLUMNS, 1), (POSTINGS, 1)])

    def test_a_genre_that_is_named_anew_comes_or_goes_is_recorded_in_place_of_all_films(self) -> None:
        Genre.objects.filter(id=878).update(name="SF")
        Genre.objects.create(id=1, name="Noir")
        Genre.objects.filter(id=1).delete()

        assert outbox() == [0, 0, 0]

    def test_a_watch_provider_that_is_named_anew_is_recorded_in_place_of_all_films(self) -> None:
        WatchProvider.objects.create(id=8, name="Netflix")
        told_of_a_new_one = outbox()

        WatchProvider.objects.filter(id=8).update(name="Netflicks")

        assert (told_of_a_new_one, outbox()) == ([], [0])

    def test_a_change_that_is_taken_back_leaves_no_record(self) -> None:
        with transaction.atomic():
            film(1).save()
            transaction.set_rollback(True)

        assert outbox() == []


def migrate_to(name: str) -> Any:
    """The films as the program of that migration had them."""
    state = MigrationExecutor(connection).migrate([("catalog", name)])
    return state.apps.get_model("catalog", "Movie").objects


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("back_to_the_newest_migration")
def test_the_triggers_can_be_taken_away_and_put_back() -> None:
    migrate_to("0001_initial").create(tmdb_id=1, title="Heat", created_at=NOW, updated_at=NOW)
    without = MovieChange.objects.count()

    migrate_to("0003_genres").create(tmdb_id=2, title="Heat", created_at=NOW, updated_at=NOW)

    assert (without, changes_for("columns")) == (0, [2])
    assert Genre.objects.get(id=878).name == "Science Fiction"
    assert Genre.objects.count() == 19
