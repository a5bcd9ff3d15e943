"""What one node publishes, the courier of another puts in service there; and what it says where it can't."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.catalog import columns as published_columns
from matinee.catalog import outbox
from matinee.catalog.columns import KIND as COLUMNS
from matinee.catalog.columns import columns, columns_are_stale, refresh_columns
from matinee.catalog.models import ChangeConsumer, Movie
from matinee.core.artifacts import ArtifactStore
from matinee.core.depot import Depot, depot
from matinee.operations import checks, courier
from matinee.operations.courier import Courier
from matinee.operations.serving import bring_up_to_date
from matinee.recommendations.freshness import MODEL_KIND, is_behind, model_store
from matinee.recommendations.pool import newest_model
from matinee.recommendations.training import train
from matinee.search.index import refresh_index, search_index
from tests.catalog.films import film

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _lists_at_every_look(shared_depot: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "LIST_EVERY_SECONDS", 0.0)


@contextmanager
def another_node(settings: Settings) -> Iterator[Courier]:
    """Its artifacts lie elsewhere; the database and the depot are the same."""
    own = settings.ARTIFACTS_DIR
    settings.ARTIFACTS_DIR = own.parent / "artifacts-of-another"
    shared = depot()
    assert shared is not None
    try:
        yield Courier(shared)
    finally:
        settings.ARTIFACTS_DIR = own


def film_numbers() -> list[int]:
    """In the columns that are published here."""
    kind = published_columns._kind(django_settings.ARTIFACTS_DIR)
    kind.latest.forget()
    assert kind.latest.get() is not None
    return [int(tmdb_id) for tmdb_id in columns().tmdb_ids]


def test_a_changed_film_and_a_new_model_reach_another_node(settings: Settings) -> None:
    film(1).save()
    refresh_columns()
    refresh_index()
    version = train(now=timezone.now()).version

    with another_node(settings) as node:
        assert newest_model() is None
        found = node.look()

        assert (found.away, found.refused) == (None, {})
        assert model_store().current_version() == version
        assert film_numbers() == [1]
        index = search_index()
        assert index is not None
        assert index.films == 1


def test_a_node_that_starts_has_all_that_others_published_before_it_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own transaction lives in it
    film(1).save()
    refresh_columns()
    version = train(now=timezone.now()).version

    with another_node(settings):
        bring_up_to_date()

        assert model_store().current_version() == version
        assert not is_behind()


def test_a_node_that_starts_while_the_depot_is_away_serves_what_it_has(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "depot").rename(tmp_path / "lost")

    courier.look_before_serving()

    found = courier.word()
    assert found is not None
    assert "is not there" in str(found.away)


def test_a_node_takes_in_changes_from_where_another_left_off(settings: Settings) -> None:
    Movie.objects.bulk_create([film(1), film(2), film(3)])
    refresh_columns()

    with another_node(settings):
        film(4).save()
        refresh_columns()

        assert film_numbers() == [1, 2, 3, 4]
        assert not columns_are_stale()
    assert film_numbers() == [1, 2, 3]
    shared = depot()
    assert shared is not None
    Courier(shared).look()
    assert film_numbers() == [1, 2, 3, 4]


def test_of_two_nodes_that_publish_at_once_one_counts_and_no_change_is_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    film(1).save()
    refresh_columns()
    film(2).save()
    publish = ArtifactStore.publish

    def meanwhile(store: ArtifactStore, *args: object) -> str:
        monkeypatch.setattr(ArtifactStore, "publish", publish)
        with another_node(settings):
            refresh_columns()
        film(3).save()
        return publish(store, *args)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(ArtifactStore, "publish", meanwhile)
    refresh_columns()

    named = ChangeConsumer.objects.get(name=COLUMNS).version
    with another_node(settings):
        assert ArtifactStore(settings.ARTIFACTS_DIR, COLUMNS).current_version() == named
    assert sorted(outbox.pending_changes(COLUMNS).tmdb_ids) == [3]
    refresh_columns()
    assert film_numbers() == [1, 2, 3]


def test_a_change_that_made_no_difference_here_waits_where_another_node_was_quicker(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Movie.objects.bulk_create([film(1, popularity=1.0), film(2), film(3)])
    refresh_columns()
    named_version = outbox.named_version

    def then_another_publishes_and_it_is_changed_back(consumer: str) -> str | None:
        monkeypatch.setattr(outbox, "named_version", named_version)
        named = named_version(consumer)
        with another_node(settings):
            Movie.objects.filter(tmdb_id=1).update(popularity=2.0)
            refresh_columns()
            Movie.objects.filter(tmdb_id=1).update(popularity=1.0)
        return named

    monkeypatch.setattr(outbox, "named_version", then_another_publishes_and_it_is_changed_back)
    refresh_columns()

    assert [*outbox.pending_changes(COLUMNS).tmdb_ids] == [1]


def test_damage_in_the_depot_is_refused_and_told_and_the_last_good_model_serves(
    settings: Settings, client: Client
) -> None:
    film(1).save()
    good = train(now=timezone.now()).version
    with another_node(settings) as node:
        node.look()
    bad = train(now=timezone.now(), force=True).version
    file = Path(settings.DEPOT_URL.removeprefix("file://")) / MODEL_KIND / f"{bad}.tar"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))

    with another_node(settings) as node:
        first, second = node.look(), node.look()

        assert model_store().current_version() == good
        assert first.refused.keys() == second.refused.keys() == {MODEL_KIND}
        told = client.get("/readyz").json()["checks"]["depot"]
        assert told["ok"] is False
        assert MODEL_KIND in told["detail"]
        assert "matinee_depot_up 1.0" in client.get("/metrics").content.decode()


def test_a_kind_that_can_not_lie_here_does_not_keep_the_others_out(settings: Settings, tmp_path: Path) -> None:
    film(1).save()
    version = train(now=timezone.now()).version
    for kind in ("a-file-here", "depot.json"):  # the latter is where the courier leaves word
        (tmp_path / "depot" / kind).mkdir()
        (tmp_path / "depot" / kind / "000001-0123456789ab.tar").write_bytes(b"odd")
    with another_node(settings) as node:
        settings.ARTIFACTS_DIR.mkdir()
        (settings.ARTIFACTS_DIR / "a-file-here").touch()

        found = node.look()

        assert found.refused.keys() == {"a-file-here"}
        assert model_store().current_version() == version


def test_while_the_depot_is_away_a_node_goes_on_and_says_so(settings: Settings, client: Client, tmp_path: Path) -> None:
    film(1).save()
    refresh_columns()
    with another_node(settings) as node:
        node.look()
        (tmp_path / "depot").rename(tmp_path / "lost")

        found = node.look()

        assert found.away is not None
        assert film_numbers() == [1]
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert "is not there" in answer.json()["checks"]["depot"]["detail"]
        assert "matinee_depot_up 0.0" in client.get("/metrics").content.decode()


def test_changes_wait_for_the_depot_and_are_taken_in_once_it_answers(settings: Settings, tmp_path: Path) -> None:
    film(1).save()
    refresh_columns()
    (tmp_path / "depot").rename(tmp_path / "lost")
    film(2).save()

    refresh_columns()

    assert film_numbers() == [1]
    assert columns_are_stale()
    (tmp_path / "lost").rename(tmp_path / "depot")
    refresh_columns()
    assert film_numbers() == [1, 2]


def test_a_model_that_the_depot_did_not_take_is_offered_again(settings: Settings, tmp_path: Path) -> None:
    film(1).save()
    (tmp_path / "depot").rename(tmp_path / "lost")
    version = train(now=timezone.now()).version
    (tmp_path / "lost").rename(tmp_path / "depot")
    shared = depot()
    assert shared is not None

    Courier(shared).look()

    assert shared.versions() == {MODEL_KIND: [version]}


def test_a_courier_that_has_not_looked_lately_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    never = checks._depot()
    shared = depot()
    assert isinstance(shared, Depot)
    Courier(shared).look()
    now = checks._depot()
    monkeypatch.setattr(courier, "IS_LATE_AFTER_SECONDS", -1.0)

    late = checks._depot()

    assert (never.ok, now.ok, late.ok) == (False, True, False)
    assert late.detail == "No courier has looked lately."


def test_whatever_happens_in_a_round_the_courier_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rounds: list[Exception | SystemExit] = [SystemExit(0), RuntimeError("odd"), OSError("the disk is full")]

    def look(_courier: Courier) -> None:
        raise rounds.pop()

    monkeypatch.setattr(courier, "LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(Courier, "look", look)

    with pytest.raises(SystemExit):
        courier.run()

    assert "odd" in caplog.text
    assert "the disk is full" in caplog.text


def test_a_database_that_is_away_ends_a_round_and_not_the_courier() -> None:
    def out_of_reach(*_: object) -> None:
        raise OperationalError("the database is away")

    shared = depot()
    assert shared is not None
    with connection.execute_wrapper(out_of_reach):
        found = Courier(shared).look()

    assert (found.away, found.refused) == (None, {})
