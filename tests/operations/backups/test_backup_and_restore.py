"""A backup holds all that was acknowledged before it; a restore leaves the old database or the new one, never less."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings

from matinee.accounts import export_files, letters
from matinee.accounts.erasure import erase
from matinee.accounts.models import DataKey, Erasure, Export, Letter, PersonState, Session, User, UserProfile
from matinee.accounts.services import create_user, update_profile
from matinee.accounts.sessions import sign_in
from matinee.audit.models import Event
from matinee.audit.sealing import seal
from matinee.audit.verifying import verify
from matinee.catalog import outbox
from matinee.catalog.cards import cards_are_stale, refresh_cards
from matinee.catalog.columns import columns, columns_are_stale, refresh_columns
from matinee.catalog.models import ChangeConsumer, Genre, Movie, MovieChange
from matinee.operations.backups import archive, services
from matinee.operations.backups.postgresql import COMMENT_ON, MARK
from matinee.operations.backups.refusals import (
    BadArchive,
    MayNotCreateDatabases,
    NotDone,
    ToolMissing,
    UnderWay,
    WouldOverwrite,
)
from matinee.search.index import index_is_stale, refresh_index
from tests.killed import run_and_kill
from tests.operations.backups.conftest import NOW, add_films, film_numbers
from tests.operations.instances import database, environment_of, started_on
from tests.operations.processes import eventually, get
from tests.rounds import rounds

PASSWORD = "correct horse battery staple"
WRITERS = 8
ON_POSTGRESQL = os.environ.get("MATINEE_TEST_DATABASE") == "postgresql"


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
    assert {path.name for path in folder.iterdir()} == {made.path.name, "matinee.erased", ".matinee-backup.lock"}
    assert made.manifest.rows["catalog_movie"] == 3
    assert ["catalog", "0001_initial"] in made.manifest.migrations


def test_what_is_there_already_is_not_written_over(films: list[int], folder: Path) -> None:
    services.backup(folder=folder, now=NOW)

    with pytest.raises(WouldOverwrite):
        services.backup(folder=folder, now=NOW)


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


def test_who_has_signed_out_since_does_not_come_back(empty_database: None, folder: Path) -> None:
    create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    sign_in(username="alice", password=PASSWORD, now=timezone.now())
    made = services.backup(folder=folder, now=NOW)

    services.restore(file=made.path, replace=True, now=timezone.now())

    assert User.objects.get().username == "alice"
    assert not Session.objects.filter(ended_at=None).exists()


def test_no_cookie_link_or_export_of_that_day_works_again(empty_database: None, folder: Path) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    cookie = SessionStore()
    cookie["_auth_user_id"] = str(alice.pk)
    cookie.save()
    letters.post(Letter.Kind.RESET, email=alice.email, user=alice, now=NOW)
    letters.post(Letter.Kind.PASSWORD_CHANGED, email=alice.email, user=alice, now=NOW)
    Letter.objects.filter(kind=Letter.Kind.RESET).update(digest=b"of a token")
    made = Export.objects.create(user=alice, created_at=NOW, expires_at=NOW + dt.timedelta(days=1), rows=1)
    export_files.folder().mkdir()
    export_files.path_of(made).touch()
    path = services.backup(folder=folder, now=NOW).path

    services.restore(file=path, replace=True, now=NOW)

    assert not SessionStore(cookie.session_key).exists(str(cookie.session_key))
    assert [letter.kind for letter in Letter.objects.all()] == ["password_changed"]
    assert not Export.objects.exists()
    assert not export_files.path_of(made).exists()


def test_who_is_erased_while_it_is_made_ready_does_not_come_back(
    empty_database: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    made = services.backup(folder=folder, now=NOW)
    start_over = outbox.start_over

    def and_meanwhile(*, using: str) -> None:
        start_over(using=using)
        erase(alice, by=None, now=NOW)

    monkeypatch.setattr(outbox, "start_over", and_meanwhile)

    services.restore(file=made.path, replace=True, now=NOW)

    assert not User.objects.exists()
    assert Erasure.objects.get().audit_key == alice.audit_key


def test_who_was_erased_since_does_not_come_back_and_the_trail_is_whole(empty_database: None, folder: Path) -> None:
    alice, bob = (
        create_user(email=f"{name}@example.org", username=name, password=PASSWORD, now=NOW) for name in ("alice", "bob")
    )
    made = services.backup(folder=folder, now=NOW)
    erase(alice, by=None, now=NOW)
    seal(now=NOW)

    services.restore(file=made.path, replace=True, now=NOW)

    assert User.objects.get() == bob
    assert Erasure.objects.get().audit_key == alice.audit_key
    assert verify().unsealed > 0
    assert Event.objects.latest("id").action == "restore_accepted"


def test_the_list_of_the_erased_beside_the_archives_outlives_the_disk(
    empty_database: None, folder: Path, settings: Settings
) -> None:
    alice, bob = (
        create_user(email=f"{name}@example.org", username=name, password=PASSWORD, now=NOW) for name in ("alice", "bob")
    )
    old = services.backup(folder=folder, now=NOW)
    erase(alice, by=None, now=NOW)
    services.backup(folder=folder, now=NOW + dt.timedelta(days=1))
    shutil.rmtree(settings.DATA_DIR)
    settings.DATA_DIR.mkdir()
    Erasure.objects.all().delete()
    services.backup(folder=folder, now=NOW + dt.timedelta(days=2))

    services.restore(file=old.path, replace=True, now=NOW)

    assert User.objects.get() == bob
    assert Erasure.objects.get().audit_key == alice.audit_key
    assert alice.audit_key in (settings.DATA_DIR / "erased").read_text()
    assert (folder / "matinee.erased").stat().st_mode & 0o777 == 0o600


def test_a_forged_list_of_the_erased_erases_nobody(empty_database: None, folder: Path) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    made = services.backup(folder=folder, now=NOW)
    sealed = (folder / "matinee.erased").read_bytes()
    (folder / "matinee.erased").write_bytes(f"{alice.audit_key} {NOW.isoformat()} erased\n".encode() + sealed)

    with pytest.raises(BadArchive, match="tampered with"):
        services.restore(file=made.path, replace=True, now=NOW)
    with pytest.raises(BadArchive, match="tampered with"):
        services.backup(folder=folder, now=NOW + dt.timedelta(days=1))

    assert User.objects.get() == alice


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
    others = set(ChangeConsumer.objects.exclude(name="columns").values_list("name", flat=True))
    assert others >= {"cards", "search"}
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
    assert set(ChangeConsumer.objects.values_list("name", flat=True)) == {"columns", "cards", "postings"}
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

    assert {path.name for path in folder.iterdir()} == {made.path.name, "matinee.erased", ".matinee-backup.lock"}


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
    outbox.pending_changes("columns")
    outbox.pending_changes("cards")

    outbox.start_over(using="default")

    consumers = set(ChangeConsumer.objects.values_list("name", flat=True))
    assert consumers >= {"columns", "cards"}
    assert Counter(MovieChange.objects.values_list("consumer", flat=True)) == dict.fromkeys(consumers, len(films))
    assert sorted(outbox.pending_changes("cards").values()) == films


def test_the_commands_tell_what_they_did_and_what_is_not_in_there(
    films: list[int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("backup", str(folder))
    (path,) = folder.glob("*.backup")
    call_command("restore", str(path), replace=True)

    out, err = capsys.readouterr()
    assert f"{path}:" in out
    assert "restored once and found sound" in out
    assert "Everybody signs in again" in out
    assert "Packing ..." in err


def test_a_restore_says_which_encryption_key_is_missing(
    empty_database: None, folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    update_profile(user=alice, changes={"bio": "likes westerns"}, now=NOW)
    lost = DataKey.objects.get().master_key_id
    call_command("backup", str(folder))
    (path,) = folder.glob("*.backup")
    settings.ENCRYPTION_KEYS = ["another key than the one that was used"]

    call_command("restore", str(path), replace=True)

    out, err = capsys.readouterr()
    assert "MATINEE_SECRET_KEY" in out
    assert "MATINEE_ENCRYPTION_KEYS" in out
    assert f"the master key {lost} is missing" in err


@pytest.mark.parametrize(
    ("spoil", "exit_code"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), os.EX_DATAERR),
        (lambda path: path.unlink(), os.EX_NOINPUT),
        (lambda path: None, os.EX_CANTCREAT),
    ],
    ids=["truncated", "missing", "in the way of data"],
)
def test_every_refusal_has_its_exit_code(
    films: list[int], folder: Path, spoil: Callable[[Path], object], exit_code: int
) -> None:
    path = services.backup(folder=folder, now=NOW).path
    spoil(path)

    with pytest.raises(CommandError) as refused:
        call_command("restore", str(path))

    assert refused.value.returncode == exit_code


def test_a_folder_that_can_not_be_made_is_told(films: list[int], tmp_path: Path) -> None:
    (tmp_path / "a file").touch()

    with pytest.raises(CommandError, match="can't be written") as refused:
        call_command("backup", str(tmp_path / "a file" / "backups"))

    assert refused.value.returncode == os.EX_CANTCREAT


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite needs no other program.")
def test_without_postgresqls_programs_it_says_which_one_is_missing(
    films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ToolMissing, match="pg_dump is not on the PATH"):
        services.backup(folder=folder, now=NOW)

    assert not [*folder.glob("*.backup")]


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has no roles.")
def test_a_role_that_may_not_create_databases_makes_backups_that_were_read_and_restores_none(
    films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"limited_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
    connection.close()

    with monkeypatch.context() as connected:
        connected.setitem(connection.settings_dict, "USER", role)
        made = services.backup(folder=folder, now=NOW)
        with pytest.raises(MayNotCreateDatabases, match=f"ALTER ROLE {role} CREATEDB"):
            services.restore(file=made.path, replace=True, now=NOW)
        connection.close()

    assert not made.was_restored
    assert made.manifest.rows["catalog_movie"] == 3


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite makes files of its own.")
@pytest.mark.parametrize("suffix", ["staged", "before"])
def test_a_database_of_somebody_else_that_has_the_name_is_not_dropped(
    films: list[int], folder: Path, suffix: str
) -> None:
    made = services.backup(folder=folder, now=NOW)
    theirs = f"{connection.settings_dict['NAME']}_{suffix}"
    with psycopg.connect(live_database(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{theirs}"')
        with psycopg.connect(live_database(theirs)) as other:
            other.execute("CREATE TABLE precious (id int)")
        try:
            with pytest.raises(WouldOverwrite, match=theirs):
                services.restore(file=made.path, replace=True, now=NOW)
            with pytest.raises(WouldOverwrite, match=theirs):
                services.backup(folder=folder, now=NOW + dt.timedelta(days=1))
        finally:
            server.execute(f'DROP DATABASE "{theirs}"')  # fails where it is gone


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite makes files of its own.")
def test_what_is_marked_as_ours_is_the_leftover_and_never_the_live_one(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)
    live = connection.settings_dict["NAME"]
    with psycopg.connect(live_database(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{live}_before"')  # empty: killed before it was marked
        server.execute(f'CREATE DATABASE "{live}_staged"')
        with psycopg.connect(live_database(f"{live}_staged")) as leftover:
            leftover.execute("CREATE TABLE films (id int)")
        server.execute(f"COMMENT ON DATABASE \"{live}_staged\" IS '{MARK}'")

    services.restore(file=made.path, replace=True, now=NOW)

    with psycopg.connect(live_database()) as server:
        assert server.execute(COMMENT_ON, [live]).fetchone() == (None,)
        assert server.execute(COMMENT_ON, [f"{live}_staged"]).fetchone() is None


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite restores by its own locks.")
def test_whoever_is_connected_to_the_old_database_finds_the_new_one_next(films: list[int], folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)
    other = psycopg.connect(live_database())
    other.execute("SELECT 1")

    services.restore(file=made.path, replace=True, now=NOW)

    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")
    with psycopg.connect(live_database()) as again:
        assert again.execute("SELECT COUNT(*) FROM catalog_movie").fetchone() == (3,)
        ours = "SELECT datname FROM pg_database WHERE starts_with(datname, %s || '_')"
        assert again.execute(ours, [connection.settings_dict["NAME"]]).fetchall() == []


def live_database(name: str | None = None) -> str:
    live = connection.settings_dict
    return make_conninfo(dbname=name or live["NAME"], user=live["USER"], host=live["OPTIONS"]["host"])
