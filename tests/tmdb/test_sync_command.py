"""`matinee tmdb sync` and `status` say what they did, and end with codes that scripts can trust."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.catalog.models import Movie
from matinee.core.env import ConfigurationError
from matinee.tmdb import connection, lease, planning, sync
from matinee.tmdb.client import Access
from matinee.tmdb.management.commands import tmdb
from matinee.tmdb.models import SyncStep
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.server import StandIn
from tests.operations.processes import start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _configured(settings: Settings, stand_in: StandIn, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.TMDB_STAND_IN = stand_in.url


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command("tmdb", *arguments, stdout=said)
    return said.getvalue()


def exit_code(*arguments: str) -> int:
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    return refusal.value.returncode


def test_a_run_tells_what_came_of_it() -> None:
    said = run("sync")

    assert "Films: 3 added, 0 changed, 0 unchanged, 0 withdrawn, 0 set aside." in said
    assert "3 films are left to ask for." in said
    assert "not endorsed or certified by TMDB" in said


def test_a_full_run_asks_for_every_film_again() -> None:
    run("sync")

    assert "Films: 0 added, 0 changed, 3 unchanged" in run("sync", "--full")


def test_status_before_and_after() -> None:
    before = run("status")
    run("sync")
    after = run("status")

    assert "Films in the catalogue: 0." in before
    assert "Last filled: never." in before
    assert "Last run that left nothing to ask for: never." in before
    assert "Films in the catalogue: 3." in after
    assert f"Changes are in up to the end of: {SyncStep.objects.get(name=planning.CHANGES).day}." in after
    assert "Left to ask for: 0." in after
    assert "nothing to ask for: never." not in after
    assert "Running at this moment: no." in after


def test_status_tells_that_tmdb_is_given_a_rest() -> None:
    for _ in range(5):
        connection.pace().failed()

    assert "is not asked before" in run("status")


def test_without_a_token_it_is_78_and_status_says_so(settings: Settings) -> None:
    settings.TMDB_STAND_IN = ""

    assert exit_code("sync") == 78
    assert "set MATINEE_TMDB_TOKEN" in run("status")


def test_another_run_under_way_is_75() -> None:
    lease.take(holder="another machine", now=timezone.now())

    assert exit_code("sync") == 75
    assert "Running at this moment: another machine." in run("status")


def test_a_tmdb_that_does_not_answer_is_69(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("500"))

    assert exit_code("sync") == 69


def test_a_refused_token_is_77(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("401"))

    assert exit_code("sync") == 77


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tmdb, "synchronise", interrupted)

    assert exit_code("sync") == 130


def test_a_person_who_watches_sees_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    assert "left to ask for" not in run("sync")
    assert "3.00/3.00" in terminal.getvalue()


@pytest.mark.parametrize("arguments", [["--help"], ["sync", "--help"], ["status", "--help"], ["stand-in", "--help"]])
def test_every_part_has_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        tmdb.Command().create_parser("matinee", "tmdb").parse_args(arguments)

    assert left.value.code == 0
    assert "usage: matinee tmdb" in capsys.readouterr().out


def test_the_scheduled_run_mirrors_and_logs_what_keeps_it_from_it(
    stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    sync.run_scheduled(connection.new_client(), scope=connection.scope(), clock=timezone.now)
    mirrored = Movie.objects.count()
    stand_in.faults.put(Fault("500"))
    Movie.objects.all().delete()
    SyncStep.objects.all().delete()
    sync.run_scheduled(connection.new_client(), scope=connection.scope(), clock=timezone.now)

    assert mirrored == 3
    assert "TMDb is not mirrored" in caplog.text


@pytest.mark.parametrize("url", ["http://evil.example:8003", "https://127.0.0.1:8003", "http://127.0.0.1"])
def test_a_stand_in_that_could_lead_elsewhere_stops_the_start(settings: Settings, url: str) -> None:
    settings.TMDB_STAND_IN = url

    with pytest.raises(ConfigurationError, match="MATINEE_TMDB_STAND_IN"):
        connection.check_settings()


def test_a_stand_in_never_sees_the_token(
    settings: Settings, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    settings.TMDB_TOKEN = "0123456789abcdef0123456789abcdef"
    headers = Access.headers

    def note(access: Access) -> dict[str, str]:
        seen.append(access.token)
        return headers(access)

    monkeypatch.setattr(Access, "headers", note)

    connection.new_client().genres()

    assert seen == ["stand-in"]
    assert settings.TMDB_TOKEN not in str(stand_in.asked)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MATINEE_TMDB_TOKEN", "two words and\na line"),
        ("MATINEE_TMDB_LANGUAGE", "English"),
        ("MATINEE_TMDB_INCLUDE", "adult,series"),
        ("MATINEE_TMDB_FILMS", "many"),
        ("MATINEE_TMDB_STAND_IN", "http://10.0.0.1:8003"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start(name: str, value: str) -> None:
    ended = start(["-m", "matinee.cli", "tmdb", "status"], **{name: value})
    said, _ = ended.communicate(timeout=60)

    assert ended.returncode == 78
    assert name in said
    assert "Traceback" not in said
