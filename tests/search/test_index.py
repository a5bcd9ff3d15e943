"""The index follows the rows, and no reader ever sees it half made."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings
from tantivy import Document

from matinee.accounts.letter_tasks import forget_expired_letters
from matinee.catalog import outbox
from matinee.catalog.filters import EVERYTHING
from matinee.catalog.models import Movie, MovieChange, MovieQuerySet
from matinee.core.artifacts import ArtifactStore
from matinee.core.jobs import schedule
from matinee.core.jobs.worker import Worker
from matinee.search import documents, tasks
from matinee.search import index as module
from matinee.search.finding import search
from matinee.search.index import KIND as SEARCH
from matinee.search.index import index_is_stale, refresh_index, refresh_is_due, search_index
from tests.search.films import titled

pytestmark = pytest.mark.django_db


def found(text: str) -> list[int]:
    return list(map(int, search(text=text, movie_filter=EVERYTHING, sort=None, first=20).tmdb_ids))


@pytest.fixture
def store(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.ARTIFACTS_DIR, SEARCH)


@pytest.fixture
def three_films() -> None:
    Movie.objects.bulk_create([titled(1, "Heat"), titled(2, "Ran"), titled(3, "Alien")])
    refresh_index()


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("three_films")
def test_additions_changes_and_deletions_are_taken_in() -> None:
    titled(4, "Zulu").save()
    Movie.objects.filter(tmdb_id=2).update(title="Ikiru")
    Movie.objects.filter(tmdb_id=3).delete()

    refresh_index()

    assert (found("zulu"), found("ikiru"), found("ran"), found("alien")) == ([4], [2], [], [])
    assert not MovieChange.objects.filter(consumer=SEARCH).exists()


@pytest.mark.usefixtures("three_films")
def test_only_what_is_new_is_written(store: ArtifactStore) -> None:
    Movie.objects.bulk_create([titled(id_, f"Film {id_}") for id_ in range(10, 40)])
    refresh_index()
    before = _files(store)

    titled(4, "Zulu").save()
    refresh_index()

    assert before < _files(store)


def _files(store: ArtifactStore) -> set[tuple[str, int]]:
    """Large files by name and inode."""
    folder = store.directory / str(store.current_version())
    return {(path.name, path.stat().st_ino) for path in folder.glob("*.idx")}


@pytest.mark.usefixtures("three_films")
def test_of_many_changes_the_newest_are_found_first_and_in_the_end_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    Movie.objects.bulk_create([titled(id_, f"Loaded {id_}x") for id_ in range(10, 15)])
    titled(4, "Zulu").save()

    refresh_index()
    at_first = (found("zulu"), found('"loaded 10x"'), index_is_stale())
    refresh_index()

    assert at_first == ([4], [], True)
    assert found("loaded") == [14, 13, 12, 11, 10]
    assert not index_is_stale()


@pytest.mark.usefixtures("three_films")
def test_one_job_makes_version_after_version_while_changes_are_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(module, "MOST_VERSIONS", 3)
    Movie.objects.bulk_create([titled(id_, f"Loaded {id_}x") for id_ in range(10, 18)])

    tasks.refresh_index.call()
    at_first = found("loaded")
    tasks.refresh_index.call()

    assert at_first == [17, 16, 15, 14, 13, 12]
    assert found("loaded") == [17, 16, 15, 14, 13, 12, 11, 10]
    assert not index_is_stale()


@pytest.mark.usefixtures("three_films")
def test_where_every_film_changed_nothing_is_left_of_what_was_written_before(store: ArtifactStore) -> None:
    before = _files(store)

    Movie.objects.update(vote_count=7)
    refresh_index()

    assert not before & _files(store)
    assert found("heat") == [1]


@pytest.mark.usefixtures("three_films")
def test_while_the_whole_index_is_built_other_jobs_run(
    monkeypatch: pytest.MonkeyPatch, store: ArtifactStore, settings: Settings
) -> None:
    monkeypatch.setattr(schedule, "_registered", {})
    shutil.rmtree(store.directory)
    mails, now = forget_expired_letters.enqueue(), dt.datetime.now(dt.UTC)

    def meanwhile(films: MovieQuerySet) -> Iterator[Document]:
        assert Worker(queues=others).run_one(now=now)
        mails.refresh()
        return documents.documents_of(films)

    others = [queue for queue in settings.QUEUES if queue != "indexing"]
    monkeypatch.setattr(module, "documents_of", meanwhile)
    building = tasks.refresh_index.enqueue()
    assert Worker(queues=[tasks.refresh_index.queue_name]).run_one(now=now)
    building.refresh()

    assert (mails.status, building.status) == ("SUCCESSFUL", "SUCCESSFUL")
    assert found("heat") == [1]


@pytest.mark.usefixtures("three_films")
def test_without_a_change_nothing_is_published(store: ArtifactStore) -> None:
    version = store.current_version()

    refresh_index()

    assert store.versions() == [version]


@pytest.mark.usefixtures("three_films")
def test_killed_before_its_changes_are_forgotten_it_takes_them_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Movie.objects.filter(tmdb_id=2).update(title="Ikiru")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "forget_changes", _killed)
        with pytest.raises(KeyboardInterrupt):
            refresh_index()

    refresh_index()

    assert found("ikiru") == [2]
    assert not index_is_stale()


@pytest.mark.usefixtures("three_films")
def test_killed_while_it_writes_it_loses_nothing_and_readers_see_the_old(
    monkeypatch: pytest.MonkeyPatch, store: ArtifactStore
) -> None:
    Movie.objects.filter(tmdb_id=2).update(title="Ikiru")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_close", _killed)
        with pytest.raises(KeyboardInterrupt):
            refresh_index()
    seen_meanwhile = found("ran")

    refresh_index()

    assert seen_meanwhile == [2]
    assert found("ikiru") == [2]
    assert [path.name for path in store.directory.glob(".staging*")] == []


@pytest.mark.usefixtures("three_films")
def test_asking_whether_it_is_stale_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    search_index()

    with django_assert_num_queries(1):
        stale = index_is_stale()

    assert not stale


@pytest.mark.usefixtures("three_films")
def test_where_nodes_share_a_depot_a_version_serves_for_a_while(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_A_FILM", 1_000.0)
    titled(4, "Zulu").save()

    alone = refresh_is_due()
    settings.DEPOT_URL = f"file://{tmp_path}"
    while_young = refresh_is_due()
    monkeypatch.setattr(module, "SECONDS_A_FILM", 0.0)

    assert (alone, while_young, index_is_stale(), refresh_is_due()) == (True, False, True, True)


@pytest.mark.usefixtures("three_films")
@pytest.mark.parametrize("damage", ["bit", "cut", "gone", "manifest", "meta", "layout"])
def test_a_damaged_index_is_built_anew_while_the_database_answers_by_prefix(
    damage: str, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _damage(store.directory / str(store.current_version()), damage, monkeypatch)
    module._kind.cache_clear()

    index_meanwhile, meanwhile, stale = search_index(), found("hea"), index_is_stale()
    tasks.refresh_index.call()

    assert (index_meanwhile, meanwhile, stale) == (None, [1], True)
    assert search_index() is not None
    assert found("haet") == [1]
    assert not index_is_stale()


def _damage(folder: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = next(folder.glob("*.idx"))
    if damage == "bit":
        content = bytearray(words.read_bytes())
        content[len(content) // 2] ^= 1
        words.write_bytes(bytes(content))
    elif damage == "cut":
        words.write_bytes(words.read_bytes()[:-1])
    elif damage == "gone":
        words.unlink()
    elif damage == "layout":
        monkeypatch.setattr(module, "LAYOUT", documents.LAYOUT + 1)
    else:
        (folder / f"{damage}.json").write_text("{}")


@pytest.mark.usefixtures("three_films")
def test_a_damaged_version_does_not_hide_the_sound_one_before_it(store: ArtifactStore) -> None:
    titled(4, "Zulu").save()
    refresh_index()
    shutil.rmtree(store.directory / str(store.current_version()))
    module._kind.cache_clear()

    before = (found("heat"), found("zulu"), index_is_stale())
    refresh_index()

    assert before == ([1], [], True)
    assert found("zulu") == [4]


def test_an_empty_catalogue_has_an_index_that_finds_nothing() -> None:
    refresh_index()

    assert search_index() is not None
    assert found("heat") == []
    titled(1, "Heat").save()
    refresh_index()
    assert found("heat") == [1]
