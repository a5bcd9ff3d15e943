"""A backup holds all that was acknowledged before it; a restore leaves the old database or the new one, never less."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts.models import PersonState, User, UserProfile
from matinee.accounts.services import create_user, update_profile
from matinee.catalog import outbox
from matinee.catalog.cards import KIND as CARDS
from matinee.catalog.cards import cards_are_stale, refresh_cards
from matinee.catalog.columns import KIND as COLUMNS
from matinee.catalog.columns import columns, columns_are_stale, refresh_columns
from matinee.catalog.models import ChangeConsumer, Genre, Movie, MovieChange
from matinee.catalog.published_postings import KIND as POSTINGS
from matinee.operations.backups import archive, services
from matinee.operations.backups.refusals import (
    BadArchive,
    NotDone,
    UnderWay,
    WouldOverwrite,
)
from matinee.search.index import KIND as SEARCH
from matinee.search.index import index_is_stale, refresh_index
from tests.killed import run_and_kill
from tests.operations.backups.conftest import NOW, add_films, film_numbers
from tests.operations.instances import database, environment_of, started_on
from tests.operations.processes import eventually, get
from tests.rounds import rounds

PASSWORD = "correct horse battery staple"
WRITERS = 8


@contextmanager
def eight_writers() -> Iterator[list[int]]:
    """Threads that add films for as long as it lasts; the list grows with each that was acknowledged."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def write(first: int) -> None:
        number = first
        while not stop.is_set():
            add_films(number, number + 1)
            acknowledged.append(number)
            number += 1
        connection.close()

    threads = [threading.Thread(target=write, args=(writer * 1_000_000 + 10,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wait_for(acknowledged: list[int], number: int) -> set[int]:
    while len(acknowledged) < number:
        threading.Event().wait(0.01)
    return set(acknowledged)


@pytest.mark.parametrize("round_", range(rounds(1)))
def test_a_drill_under_writers_loses_nothing_that_was_acknowledged(
    films: list[int], folder: Path, tmp_path: Path, settings: Settings, round_: int
) -> None:
    with eight_writers() as acknowledged:
        before = wait_for(acknowledged, 100)
        made = services.backup(folder=folder, now=timezone.now())
        wait_for(acknowledged, len(acknowledged) + 1)

    assert made.was_restored
    with database() as url:
        elsewhere = {"MATINEE_SECRET_KEY": settings.SECRET_KEY, **environment_of(url, tmp_path / "elsewhere")}
        ended = subprocess.run(
            [sys.executable, "-m", "matinee.cli", "restore", str(made.path)],
            env=os.environ | elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        with started_on(url, tmp_path / "elsewhere", "serve", "--workers", "1") as instance:
            status, body = get(instance.port, "/api/v1/movies/?page_size=1")
            served = {n for n in random.Random(round_).sample(sorted(before), 5) if is_served(instance.port, n)}

    assert status == 200
    assert json.loads(body)["total_results"] == made.manifest.rows["catalog_movie"] >= len(before) + len(films)
    assert len(served) == 5


def is_served(port: int, tmdb_id: int) -> bool:
    return get(port, f"/api/v1/movies/{tmdb_id}/")[0] == 200


def test_it_gets_its_name_when_it_is_verified_and_nothing_else_is_left(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)

    assert made.path.name == "matinee-20261126T040000Z.backup"
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in folder.iterdir()} == {made.path.name, "matinee.erased"}
    assert made.manifest.rows["catalog_movie"] == 3
    assert ["catalog", "0001_initial"] in made.manifest.migrations


def test_what_is_there_already_is_not_written_over(films: list[int], folder: Path) -> None:
    services.backup(folder=folder, now=NOW)

    with pytest.raises(WouldOverwrite):
        services.backup(folder=folder, now=NOW)


def test_one_that_fails_leaves_no_folder_that_was_not_there_before(
    films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_is_sound", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        services.backup(folder=folder, now=NOW)
    assert not folder.exists()

    folder.mkdir()
    with pytest.raises(ZeroDivisionError):
        services.backup(folder=folder, now=NOW)
    assert [*folder.iterdir()] == []


def test_a_copy_that_is_not_sound_gets_no_name(films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = archive.write_archive

    def of_more_rows(path: Path, *, facts: dict[str, object], **rest: object) -> archive.Manifest:
        return write(path, facts={**facts, "rows": {"catalog_movie": 4}}, **rest)  # type: ignore[arg-type] # as given

    monkeypatch.setattr(services, "write_archive", of_more_rows)

    with pytest.raises(BadArchive, match="catalog_movie has 3 rows in place of 4"):
        services.backup(folder=folder, now=NOW)

    assert not [*folder.glob("*.backup")]


def test_a_restore_brings_back_what_was(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)
    Movie.objects.filter(tmdb_id=1).delete()
    add_films(7, 9)

    services.restore(file=made.path, replace=True, now=NOW)

    assert film_numbers() == films


def test_into_an_instance_with_data_it_goes_by_replace_alone(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)
    add_films(7, 8)

    with pytest.raises(WouldOverwrite, match="--replace"):
        services.restore(file=made.path, now=NOW)

    assert film_numbers() == [*films, 7]


def test_what_is_published_of_another_state_is_made_anew(films: list[int], folder: Path) -> None:
    for refresh in (refresh_columns, refresh_cards, refresh_index):
        refresh()
    made = services.backup(folder=folder, now=NOW)
    Movie.objects.filter(tmdb_id=1).update(title="Renamed since")
    add_films(7, 9)
    for refresh in (refresh_columns, refresh_cards, refresh_index):
        refresh()

    services.restore(file=made.path, replace=True, now=NOW)

    assert columns_are_stale()
    assert cards_are_stale()
    assert index_is_stale()
    refresh_columns()
    assert columns().tmdb_ids.tolist() == films
    others = set(ChangeConsumer.objects.exclude(name=COLUMNS).values_list("name", flat=True))
    assert others >= {CARDS, SEARCH}
    assert set(MovieChange.objects.values_list("consumer", flat=True)) == others


def test_an_older_database_is_brought_to_this_programs_migrations(films: list[int], folder: Path) -> None:
    call_command("migrate", "library", "0001", verbosity=0)
    made = services.backup(folder=folder, now=NOW)
    assert ["library", "0002_trending"] not in made.manifest.migrations
    call_command("migrate", verbosity=0)

    services.restore(file=made.path, replace=True, now=NOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM django_migrations WHERE name = '0002_trending'")
        assert cursor.fetchone() == (1,)
    assert film_numbers() == films


def test_a_much_older_database_is_filled_in_itself_and_not_in_the_live_one(films: list[int], folder: Path) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    update_profile(user=alice, changes={"bio": "likes westerns"}, now=NOW)
    call_command("migrate", "accounts", "0006", verbosity=0)
    call_command("migrate", "catalog", "0001", verbosity=0)
    made = services.backup(folder=folder, now=NOW)
    call_command("migrate", verbosity=0)
    bob = create_user(email="bob@example.org", username="bob", password=PASSWORD, now=NOW)
    update_profile(user=bob, changes={"bio": "likes musicals"}, now=NOW)

    services.restore(file=made.path, replace=True, now=NOW)

    assert User.objects.get().username == "alice"
    assert UserProfile.objects.get().bio == "likes westerns"
    assert PersonState.objects.get().user_id == alice.pk
    assert film_numbers() == films
    assert set(ChangeConsumer.objects.values_list("name", flat=True)) == {COLUMNS, CARDS, POSTINGS}
    assert Genre.objects.filter(pk=37, name="Western").exists()


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        ({"migrations": [["catalog", "0001_initial"], ["catalog", "9999_from_the_future"]]}, "9999_from_the_future"),
        ({"engine": "oracle"}, "a backup of oracle"),
    ],
)
def test_what_this_program_does_not_know_is_refused(
    films: list[int], folder: Path, tmp_path: Path, fact: dict[str, object], says: str
) -> None:
    (tmp_path / "rows").write_bytes(b"not looked at")
    facts = {"matinee": "9.9", "made_at": "2030-01-01", "engine": connection.vendor, "migrations": [], "rows": {}}
    path = tmp_path / "other.backup"
    archive.write_archive(
        path, database=tmp_path / "rows", facts={**facts, "community": {}, **fact}, on_progress=lambda *_: None
    )

    with pytest.raises(BadArchive, match=says):
        services.restore(file=path, replace=True, now=NOW)

    assert film_numbers() == films


def test_a_sealed_file_that_is_no_database_changes_nothing(films: list[int], tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"no database at all" * 1_000)
    facts = {"matinee": "0.1.0", "made_at": "", "engine": connection.vendor, "migrations": [], "rows": {}}
    path = tmp_path / "broken.backup"
    archive.write_archive(
        path, database=tmp_path / "rows", facts={**facts, "community": {}}, on_progress=lambda *_: None
    )

    with pytest.raises(NotDone):
        services.restore(file=path, replace=True, now=NOW)

    assert film_numbers() == films


def test_killed_anywhere_it_leaves_the_old_database_or_the_new_one(films: list[int], folder: Path) -> None:
    new = [*films, *add_films(100, 1_000)]
    made = services.backup(folder=folder, now=NOW)
    lots = random.Random(19)
    for _ in range(rounds(5)):
        Movie.objects.filter(tmdb_id__gte=100).delete()

        run_and_kill(
            lambda: void(services.restore(file=made.path, replace=True, now=NOW)), after=lots.uniform(0.05, 1.0)
        )

        assert film_numbers() in (films, new)
    assert eventually(lambda: is_restored(made.path), within=60)
    assert film_numbers() == new


def is_restored(file: Path) -> bool:
    """False while PostgreSQL has not noticed yet that somebody who was at it has been killed."""
    try:
        services.restore(file=file, replace=True, now=NOW)
    except UnderWay:
        return False
    return True


def test_killed_while_it_is_made_a_backup_leaves_no_archive_and_is_simply_made_again(
    films: list[int], folder: Path
) -> None:
    add_films(100, 1_000)
    for after in (0.02, 0.1, 0.2):
        run_and_kill(lambda: void(services.backup(folder=folder, now=NOW)), after=after)
        for path in folder.glob("*.backup"):
            with archive.opened(path):
                path.unlink()  # it was quicker than the kill: then it is whole

    made = services.backup(folder=folder, now=NOW)

    assert {path.name for path in folder.iterdir()} == {made.path.name, "matinee.erased"}


def void(_result: object) -> None:
    """A forked process returns nothing."""


def test_of_two_at_once_in_one_folder_one_is_refused(films: list[int], folder: Path) -> None:
    seen: list[Exception] = []

    def second(stage: str, *_: object) -> None:
        if stage == "Packing" and not seen:
            with pytest.raises(UnderWay) as refused:
                services.backup(folder=folder, now=NOW + dt.timedelta(hours=1))
            seen.append(refused.value)

    services.backup(folder=folder, now=NOW, on_progress=second)

    assert len(seen) == 1
    assert len([*folder.glob("*.backup")]) == 1


def test_outbox_holds_every_film_for_every_consumer_after_a_new_start(films: list[int]) -> None:
    outbox.pending_changes(COLUMNS)
    outbox.pending_changes(CARDS)

    outbox.start_over(using="default")

    consumers = set(ChangeConsumer.objects.values_list("name", flat=True))
    assert consumers >= {COLUMNS, CARDS}
    assert Counter(MovieChange.objects.values_list("consumer", flat=True)) == dict.fromkeys(consumers, len(films))
    assert sorted(outbox.pending_changes(CARDS).tmdb_ids) == films
