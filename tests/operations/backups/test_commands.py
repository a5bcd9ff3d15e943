"""What `matinee backup` and `matinee restore` tell, and how they end."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from matinee.accounts.models import DataKey
from matinee.accounts.services import create_user, update_profile
from matinee.audit.sealing import seal
from matinee.catalog.models import Movie
from matinee.operations.backups import services, sqlite
from matinee.operations.management.commands import restore
from tests.audit.test_verifying import tamper
from tests.operations.backups.conftest import NOW, film_numbers

PASSWORD = "correct horse battery staple"


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


def test_the_trail_that_came_with_it_is_verified(
    empty_database: None, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    sealed = seal(now=NOW)
    path = services.backup(folder=folder, now=NOW).path

    call_command("restore", str(path), replace=True)

    assert sealed == 1
    assert "The audit trail is whole: 1 events in 1 segments." in capsys.readouterr().out


def test_a_trail_that_is_not_what_was_sealed_is_told_and_the_data_are_in_place(films: list[int], folder: Path) -> None:
    create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    seal(now=NOW)
    tamper("UPDATE audit_event SET action = 'signed_out'")
    path = services.backup(folder=folder, now=NOW).path
    Movie.objects.all().delete()

    with pytest.raises(CommandError, match=r"^Restored, but .* Segment 1, event \d+ is not as it was sealed") as told:
        call_command("restore", str(path), replace=True)

    assert told.value.returncode == 3
    assert film_numbers() == films


def test_ctrl_c_at_the_look_at_the_trail_says_that_all_else_is_done(
    films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = services.backup(folder=folder, now=NOW).path

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(restore, "verify", interrupted)

    with pytest.raises(CommandError, match=r"^Restored\. Stopped before the audit trail was verified") as told:
        call_command("restore", str(path), replace=True)

    assert told.value.returncode == 130


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


def test_a_database_without_tables_is_hardly_the_one_that_is_meant(folder: Path, tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}

    ended = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "backup", str(folder)],
        env=inherited | {"MATINEE_DATA_DIR": str(tmp_path / "mistyped")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == os.EX_NOINPUT
    assert "MATINEE_DATA_DIR" in ended.stderr
    assert not folder.exists()


def test_a_folder_that_can_not_be_made_is_told(films: list[int], tmp_path: Path) -> None:
    (tmp_path / "a file").touch()

    with pytest.raises(CommandError, match="can't be written") as refused:
        call_command("backup", str(tmp_path / "a file" / "backups"))

    assert refused.value.returncode == os.EX_CANTCREAT


@pytest.mark.skipif(not settings.EMBEDDED_DATABASE, reason="of SQLite's own copies")
def test_a_disk_that_is_full_is_told(films: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_room_for_three_pages(path: Path) -> sqlite3.Connection:
        database = opened(path)
        if path.parent != sqlite._live().parent:
            database.execute("PRAGMA max_page_count=3")
        return database

    opened = sqlite.opened
    monkeypatch.setattr(sqlite, "opened", with_room_for_three_pages)

    with pytest.raises(CommandError, match="No space left on device") as refused:
        call_command("backup", str(folder))

    assert refused.value.returncode == os.EX_CANTCREAT
    assert not folder.exists()
