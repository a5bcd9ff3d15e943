"""The columns follow the rows: published versions, the outbox that moves them, and what serves when one is damaged."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.catalog import columns as module
from matinee.catalog import film_table, outbox, tasks
from matinee.catalog.cards import KIND as CARDS
from matinee.catalog.columns import KIND as COLUMNS
from matinee.catalog.columns import columns, columns_are_stale, refresh_columns, refresh_is_due
from matinee.catalog.film_table import FilmTable, films_by_id, joined, table_of
from matinee.catalog.filters import MovieFilter
from matinee.catalog.models import ChangeConsumer, Movie
from matinee.catalog.orders import by_title, by_title_mended
from matinee.catalog.outbox import pending_changes
from matinee.catalog.projection import projected
from matinee.core import in_parts
from matinee.core.array_files import room_in_memory
from matinee.core.artifacts import ArtifactStore
from matinee.core.jobs import schedule
from tests.at_once import at_once
from tests.catalog.films import ACTION, DRAMA, NOW, film
from tests.catalog.listed import BY_TITLE, titles
from tests.core.full_disk import full_after


@pytest.fixture
def store(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.ARTIFACTS_DIR, COLUMNS)


def published(store: ArtifactStore) -> dict[str, NDArray[Any]]:
    version = store.current_version()
    assert version is not None
    return dict(store.open(version).arrays)


def built_anew() -> dict[str, NDArray[Any]]:
    table = joined([*films_by_id(Movie.objects.all())])
    return dict(projected(table, by_title(table, room_in_memory), room_in_memory))


def assert_equal_bytes(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert (array.dtype, array.shape) == (other[name].dtype, other[name].shape), name
        assert array.tobytes() == other[name].tobytes(), name


@pytest.mark.django_db
class TestRefresh:
    def test_a_published_version_is_mapped_and_costs_no_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        Movie.objects.bulk_create([film(1), film(2, genre_ids=[DRAMA])])
        refresh_columns()

        with django_assert_num_queries(0):
            catalogue = columns()
            total = catalogue.ordered(MovieFilter(all_genres=(DRAMA,)), BY_TITLE).total

        assert total == 1
        assert isinstance(catalogue.tmdb_ids.base, np.memmap)
        assert not catalogue.tmdb_ids.flags.writeable

    def test_additions_changes_and_deletions_are_taken_in(self, store: ArtifactStore) -> None:
        Movie.objects.bulk_create([film(id_, f"Film {id_:02}") for id_ in range(1, 30)])
        refresh_columns()

        film(100, "Alien", genre_ids=[ACTION], original_language="ja", imdb_id="tt0078748").save()
        Movie.objects.filter(tmdb_id=5).update(title="Zulu", release_date=dt.date(1964, 1, 22), revenue=8)
        Movie.objects.filter(tmdb_id=7).update(tmdb_id=3000)
        Movie.objects.filter(tmdb_id__in=[9, 29]).delete()
        refresh_columns()

        assert_equal_bytes(published(store), built_anew())
        assert titles()[0] == "Alien"
        assert titles()[-1] == "Zulu"
        assert columns().rows_of([7, 9]).tolist() == [-1, -1]
        assert not pending_changes(COLUMNS)

    def test_only_the_films_that_changed_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Movie.objects.bulk_create([film(id_) for id_ in range(1, 30)])
        refresh_columns()
        Movie.objects.filter(tmdb_id=3).update(runtime=90)
        read: list[int] = []

        def counted(films: Sequence[tuple[Any, ...]]) -> FilmTable:
            read.append(len(films))
            return table_of(films)

        monkeypatch.setattr(film_table, "table_of", counted)

        refresh_columns()

        assert sum(read) == 1
        assert columns().runtime[2] == 90

    def test_when_most_films_changed_all_are_read(self, store: ArtifactStore) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        refresh_columns()

        Movie.objects.update(vote_count=7)
        refresh_columns()

        assert_equal_bytes(published(store), built_anew())
        assert columns().vote_count.tolist() == [7, 7, 7]

    def test_a_change_that_no_column_holds_publishes_nothing(self, store: ArtifactStore) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        refresh_columns()
        version = store.current_version()

        Movie.objects.filter(tmdb_id=1).update(overview="Two men.", updated_at=NOW)
        refresh_columns()

        assert store.current_version() == version
        assert not pending_changes(COLUMNS)

    def test_running_it_again_changes_nothing(self, store: ArtifactStore) -> None:
        film(1).save()
        refresh_columns()
        version = store.current_version()

        refresh_columns()

        assert store.versions() == [version]

    def test_killed_before_its_changes_are_deleted_it_gives_the_same_again(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        refresh_columns()
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "forget_changes", _killed)
            with pytest.raises(KeyboardInterrupt):
                refresh_columns()
        left = len(pending_changes(COLUMNS))

        refresh_columns()

        assert left == 1
        assert not pending_changes(COLUMNS)
        assert_equal_bytes(published(store), built_anew())

    def test_killed_before_it_publishes_it_loses_nothing(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        refresh_columns()
        Movie.objects.filter(tmdb_id=2).update(title="Ran")
        with monkeypatch.context() as patch:
            patch.setattr(ArtifactStore, "publish", _killed)
            with pytest.raises(KeyboardInterrupt):
                refresh_columns()

        refresh_columns()

        assert_equal_bytes(published(store), built_anew())

    def test_a_change_that_comes_meanwhile_stays_for_the_next_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        refresh_columns()
        Movie.objects.filter(tmdb_id=2).update(runtime=90)
        publish = ArtifactStore.publish

        def change_and_publish(*args: Any) -> str:
            Movie.objects.filter(tmdb_id=3).update(runtime=120)
            return publish(*args)

        with monkeypatch.context() as patch:
            patch.setattr(ArtifactStore, "publish", change_and_publish)
            refresh_columns()

        assert list(pending_changes(COLUMNS).tmdb_ids) == [3]
        assert columns_are_stale()

    def test_another_consumers_changes_are_left_to_it(self) -> None:
        film(1).save()

        refresh_columns()

        assert list(pending_changes(CARDS).tmdb_ids) == [1]

    @pytest.mark.parametrize("files", [0, 3, 10, 25, 40])
    def test_on_a_full_disk_the_version_stays_and_the_changes_too(
        self, files: int, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        film(1, "Heat").save()
        refresh_columns()
        version = store.current_version()
        film(2, "Ran").save()

        with monkeypatch.context() as disk:
            disk.setattr(tempfile, "TemporaryFile", full_after(files))
            with pytest.raises(OSError, match="No space left"):
                refresh_columns()

        assert store.current_version() == version
        assert list(pending_changes(COLUMNS).tmdb_ids) == [2]
        refresh_columns()
        assert titles() == ["Heat", "Ran"]

    def test_a_film_that_is_gone_is_left_out_of_its_page(self) -> None:
        Movie.objects.bulk_create([film(1, "Heat"), film(2, "Ran")])
        refresh_columns()

        Movie.objects.filter(tmdb_id=1).delete()

        assert titles() == ["Ran"]

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=st.lists(st.tuples(st.sampled_from("aud"), st.integers(1, 170)), min_size=1, max_size=30))
    def test_taking_changes_in_is_the_same_as_building_anew(
        self, steps: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(in_parts, "PART", 64)
        monkeypatch.setattr(film_table, "READ_AT_ONCE", 4)
        Movie.objects.all().delete()
        Movie.objects.bulk_create([film(id_, f"Film {id_ % 5}", popularity=id_ % 3) for id_ in range(10, 160)])
        table = joined([*films_by_id(Movie.objects.all())])
        order = by_title(table, room_in_memory)
        for step, id_ in steps:
            if step == "a":
                Movie.objects.bulk_create([film(id_, "Film 2", genre_ids=[DRAMA])], ignore_conflicts=True)
            elif step == "u":
                Movie.objects.filter(tmdb_id=id_).update(title=f"film {id_ % 4}", popularity=None)
            else:
                Movie.objects.filter(tmdb_id=id_).delete()
        changed = np.unique([id_ for _, id_ in steps])

        patched = joined([*table.patched(changed.tolist())])
        mended = by_title_mended(patched, table, order, changed, room_in_memory)

        assert_equal_bytes(dict(projected(patched, mended, room_in_memory)), built_anew())


@pytest.mark.django_db
class TestDamage:
    def test_a_damaged_version_gives_way_to_the_one_before(self, store: ArtifactStore) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        refresh_columns()
        sound = store.current_version()
        film(4).save()
        refresh_columns()
        damage(store)
        module._kind.cache_clear()

        serving = columns()

        assert (serving.version, serving.size) == (sound, 3)

    def test_the_next_refresh_reads_every_film_and_replaces_it(self, store: ArtifactStore) -> None:
        Movie.objects.bulk_create([film(1), film(2), film(3)])
        refresh_columns()
        film(4).save()
        refresh_columns()
        damage(store)
        module._kind.cache_clear()
        stale = columns_are_stale()

        refresh_columns()

        assert stale
        assert not columns_are_stale()
        assert_equal_bytes(published(store), built_anew())

    def test_where_no_version_is_sound_the_rows_answer(self, store: ArtifactStore) -> None:
        film(1, "Heat").save()
        refresh_columns()
        damage(store)
        module._kind.cache_clear()

        assert titles() == ["Heat"]
        assert columns_are_stale()

    def test_another_programs_layout_is_not_read_but_replaced(self, store: ArtifactStore) -> None:
        film(1, "Heat").save()
        store.publish({"anything": np.arange(3)}, {"layout": 99})

        before = titles()
        refresh_columns()

        assert before == titles() == ["Heat"]
        assert columns().version.startswith("000002-")


@pytest.mark.django_db
class TestStaleness:
    def test_it_is_stale_until_refreshed_and_after_a_change(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        at_first = columns_are_stale()
        refresh_columns()
        with django_assert_num_queries(1):
            refreshed = columns_are_stale()
        film(1).save()

        assert (at_first, refreshed, columns_are_stale()) == (True, False, True)

    def test_the_schedule_lets_a_version_serve_the_longer_the_more_films_it_has(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        film(1).save()
        at_first = refresh_is_due()
        refresh_columns()
        film(2).save()
        monkeypatch.setattr(module, "SECONDS_A_FILM", 1_000.0)
        while_young = refresh_is_due()
        pointer = store.directory / "CURRENT"
        long_ago = pointer.stat().st_mtime - 1_001
        os.utime(pointer, (long_ago, long_ago))

        assert (at_first, while_young, columns_are_stale(), refresh_is_due()) == (True, False, True, True)

    def test_the_schedule_asks_and_the_task_refreshes(self) -> None:
        film(1).save()
        [periodic] = [one for one in schedule.registered() if one.name == "refresh-columns"]
        assert periodic.when is not None

        wanted = periodic.when()
        tasks.refresh_columns.call()

        assert (wanted, periodic.when()) == (True, False)


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_at_once_take_turns_and_lose_nothing(store: ArtifactStore) -> None:
    ChangeConsumer.objects.get_or_create(name=COLUMNS)
    Movie.objects.bulk_create([film(id_) for id_ in range(1, 20)])
    refresh_columns()
    stop = threading.Event()

    def write() -> None:
        for id_ in range(1, 20):
            Movie.objects.filter(tmdb_id=id_).update(runtime=id_)
            film(100 + id_).save()
        stop.set()

    def refresh() -> None:
        while not stop.is_set():
            refresh_columns()

    outcomes = at_once(write, refresh, refresh)
    refresh_columns()

    assert outcomes == [None, None, None]
    assert not pending_changes(COLUMNS)
    assert_equal_bytes(published(store), built_anew())


def test_a_table_needs_all_its_columns() -> None:
    with pytest.raises(KeyError):
        FilmTable.from_arrays({})


def damage(store: ArtifactStore) -> None:
    """Flip a bit of the version in service."""
    path: Path = store.directory / str(store.current_version()) / "tmdb_ids.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
