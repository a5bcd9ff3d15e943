"""`matinee` is Django's manage.py under the product's name."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils.log import configure_logging

from matinee import __version__, cli
from matinee.core import env
from matinee.core.commands import Commands
from matinee.core.database import OUTDATED, is_outdated
from tests.operations.processes import free_port


@pytest.fixture(autouse=True)
def what_is_logged_later_has_somewhere_to_go() -> Iterator[None]:
    """A command sets logging up anew, for the standard error that there is, which here is closed with its test."""
    yield
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)


@pytest.fixture(autouse=True)
def only_looking_ends_with_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that only looks says so for its whole process, which here is that of the other tests, too."""
    monkeypatch.setattr(env, "makes_what_is_missing", env.makes_what_is_missing)


def test_it_says_its_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["matinee", "--version"])

    cli.main()

    assert capsys.readouterr().out == f"{__version__}\n"


def test_every_django_command_works(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["matinee", "diffsettings"])

    cli.main()

    assert "ROOT_URLCONF = 'matinee.urls'" in capsys.readouterr().out


def test_help_tells_our_commands_first_and_what_each_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["matinee", "help"])

    cli.main()

    ours, djangos = capsys.readouterr().out.split("\nDjango's:")
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in ours.splitlines() if re.match(r"  \S", line)}
    assert {"backup", "demo", "doctor", "load", "restore", "serve", "tmdb", "train", "worker"} <= set(told)
    assert told["train"].startswith("Fit a model")
    assert "createsuperuser" in djangos.split()
    assert not set(told) & set(djangos.split())


def test_a_process_that_dies_in_native_code_tells_where_it_was(tmp_path: Path) -> None:
    """Those of a tree, too, which are copies of the one that started."""
    program = """
import os, signal
from matinee.core.processes import start
def crash(): os.kill(os.getpid(), signal.SIGSEGV)
start("child", crash).join()
crash()
"""
    process = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "shell", "--no-imports", "-c", program],
        cwd=tmp_path,  # a core that the system may write lies there
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == -signal.SIGSEGV
    assert process.stderr.count("Fatal Python error: Segmentation fault") == 2
    assert process.stderr.count("in crash") == 2


def test_a_wrong_setting_stops_it_with_a_sentence_and_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_REGISTRATION", "perhaps")

    ended = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "check"], check=False, stderr=subprocess.PIPE, text=True
    )

    assert ended.returncode == 78
    assert "MATINEE_REGISTRATION" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_mail_server_of_a_url_is_the_one_that_mail_leaves_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_SMTP_URL", "smtp+starttls://me:secret@mail.example.org")

    told = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "diffsettings"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout

    for line in (
        "EMAIL_HOST = 'mail.example.org'",
        "EMAIL_PORT = 587",
        "EMAIL_USE_TLS = True",
        "EMAIL_HOST_USER = 'me'",
    ):
        assert line in told
    assert "EMAIL_BACKEND" not in told, "SMTP is Django's own default"


@pytest.mark.parametrize(("mode", "backend"), [("embedded", "console"), ("production", "dummy")])
def test_no_token_of_a_mail_is_written_to_the_console_in_production(
    monkeypatch: pytest.MonkeyPatch, mode: str, backend: str
) -> None:
    monkeypatch.setenv("MATINEE_MODE", mode)
    monkeypatch.setenv("MATINEE_SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setenv("MATINEE_ENCRYPTION_KEYS", "abcdefghijklmnopqrstuvwxyz0123456789")
    monkeypatch.setenv("MATINEE_ALLOWED_HOSTS", "films.example.org")

    told = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "diffsettings"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout

    assert f"EMAIL_BACKEND = 'django.core.mail.backends.{backend}.EmailBackend'" in told


def test_production_confirms_no_address_without_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_MODE", "production")
    monkeypatch.setenv("MATINEE_SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setenv("MATINEE_ENCRYPTION_KEYS", "abcdefghijklmnopqrstuvwxyz0123456789")
    monkeypatch.setenv("MATINEE_ALLOWED_HOSTS", "films.example.org")
    monkeypatch.setenv("MATINEE_REGISTRATION", "confirm")

    ended = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "check"], check=False, stderr=subprocess.PIPE, text=True
    )

    assert ended.returncode == 78
    assert "MATINEE_SMTP_URL" in ended.stderr


@pytest.mark.parametrize(
    "command", ["backup nowhere", "courier", "migrate", "serve --port {free_port}", "train", "worker"]
)
def test_a_database_that_is_away_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.setenv("MATINEE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("MATINEE_MODE", "embedded")

    ended = subprocess.run(
        [sys.executable, "-m", "matinee.cli", *command.format(free_port=free_port()).split()],
        check=False,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )

    assert ended.returncode == 69
    assert "The database can't be used (" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["backup nowhere", "serve --port {free_port}", "load starter"])
def test_a_database_whose_file_is_damaged_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    (tmp_path / "matinee.sqlite3").write_bytes(b"\0" * 4096 * 2)
    monkeypatch.setenv("MATINEE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MATINEE_DATABASE_URL", raising=False)

    ended, examined = (
        subprocess.run(
            [sys.executable, "-m", "matinee.cli", *words], check=False, cwd=tmp_path, capture_output=True, text=True
        )
        for words in (command.format(free_port=free_port()).split(), ["doctor"])
    )

    assert ended.returncode == 69
    assert "The database can't be used (file is not a database). `matinee doctor` tells" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "`matinee restore` the newest backup" in examined.stdout


def test_the_doctor_makes_nothing_where_nothing_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATINEE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MATINEE_DATABASE_URL", raising=False)

    ended = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "doctor"], check=False, cwd=tmp_path, capture_output=True, text=True
    )

    assert (ended.returncode, ended.stderr) == (1, "")
    assert f"There is no {tmp_path / 'matinee.sqlite3'}." in ended.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["createsuperuser --noinput", "changepassword alice"])
def test_django_commands_that_need_tables_say_how_they_are_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    MigrationRecorder.Migration.objects.filter(app="jobs").delete()
    monkeypatch.setattr(sys, "argv", ["matinee", *command.split()])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    assert capsys.readouterr().err.strip() == f"CommandError: {OUTDATED}"


@pytest.mark.django_db
@pytest.mark.parametrize("names", ["1 FROM nowhere", "shoe_size FROM django_session"])
def test_what_migrations_will_bring_is_told_apart_from_what_they_will_not(names: str) -> None:
    with pytest.raises(DatabaseError) as failed, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {names}")

    assert not is_outdated(failed.value)
    MigrationRecorder.Migration.objects.filter(app="jobs", name__startswith="0001").delete()
    assert is_outdated(failed.value)
    assert not is_outdated(OperationalError("database is locked"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "command",
    [
        "audit verify",
        "courier",
        "evaluate",
        "load starter",
        "rotate-keys",
        "tmdb status",
        "train",
        "worker --queue default",
    ],
)
def test_tables_that_are_not_there_yet_are_told_before_they_are_read(command: str) -> None:
    MigrationRecorder.Migration.objects.filter(app="jobs").delete()

    with pytest.raises(CommandError, match="Run `matinee migrate` first"):
        call_command(*command.split())


def test_a_disk_that_is_full_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_commands: Commands) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "model")

    monkeypatch.setattr(Commands, "execute", full)
    monkeypatch.setattr(sys, "argv", ["matinee", "train"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == os.EX_IOERR
    assert capsys.readouterr().err == "No space left on device. `matinee doctor` tells where to make room.\n"
