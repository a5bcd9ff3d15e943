"""`matinee doctor` tells each thing that is amiss, with what to do, and its exit code says how bad it is."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from pytest_django.fixtures import Settings

from matinee.accounts.models import DataKey
from matinee.accounts.services import create_user, update_profile
from matinee.catalog.cards import KIND as CARDS
from matinee.catalog.columns import KIND as COLUMNS
from matinee.catalog.columns import refresh_columns
from matinee.core.artifacts import ArtifactStore
from matinee.operations import checks, doctor
from matinee.recommendations.freshness import MODEL_KIND
from matinee.recommendations.training import train
from matinee.search.index import KIND as SEARCH
from matinee.search.index import refresh_index
from tests.core.jobs import tasks
from tests.core.valkey import valkey


class Findings(NamedTuple):
    exit_code: int
    state: dict[str, str]
    told: dict[str, dict[str, Any]]
    printed: str


@pytest.fixture(autouse=True)
def _a_data_directory_of_its_own(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_migrated", set())
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir(mode=0o700)
    (settings.DATA_DIR / "secret-key").touch(0o600)


def examined() -> Findings:
    """What the command says of the installation as JSON, and its exit code."""
    out, exit_code = StringIO(), 0
    try:
        call_command("doctor", as_json=True, stdout=out)
    except SystemExit as ended:
        exit_code = int(str(ended.code))
    told = {check["name"]: check for check in json.loads(out.getvalue())["checks"]}
    return Findings(exit_code, {name: check["state"] for name, check in told.items()}, told, out.getvalue())


def all_is_published() -> None:
    refresh_columns()
    refresh_index()
    train(now=timezone.now())


def test_a_data_directory_that_is_not_there_is_told_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "mistyped"

    findings = examined()

    assert (findings.exit_code, findings.state["data"]) == (1, "problem")
    assert findings.told["data"]["detail"] == f"There is no folder {tmp_path / 'mistyped'}."
    assert list(findings.state) == ["configuration", "data"]


@pytest.mark.django_db
def test_where_all_is_well_it_says_so_of_each_and_ends_with_0(settings: Settings) -> None:
    all_is_published()

    findings = examined()

    assert findings.exit_code == 0, findings.printed
    assert set(findings.state.values()) == {"ok"}
    of_the_database = {"sqlite"} if settings.EMBEDDED_DATABASE else set()
    assert set(findings.state) == of_the_database | {
        *(
            "configuration",
            "privacy",
            "mail",
            "database",
            "migrations",
            "catalogue",
            "model",
            "search",
            "queue",
            "jobs",
            "durability",
            "encryption",
        ),
        *("clock", f"artifact {COLUMNS}", f"artifact {MODEL_KIND}", f"artifact {SEARCH}", "disk"),
    }
    assert all(check["advice"] is None for check in findings.told.values())


@pytest.mark.django_db(transaction=True)
def test_a_database_that_may_lose_what_it_has_answered_is_named() -> None:
    careless = "SET synchronous_commit = off" if connection.vendor == "postgresql" else "PRAGMA synchronous = NORMAL"
    with connection.cursor() as cursor:
        cursor.execute(careless)

    found = doctor.durability()
    connection.close()

    assert not found.ok
    assert re.search(r"may lose writes .* synchronous(_commit=off|=1)\.", found.detail)
    assert doctor.durability().ok


@pytest.mark.django_db
def test_a_new_installation_has_warnings_alone_each_with_what_to_do() -> None:
    findings = examined()

    assert findings.exit_code == 3
    assert {name for name, state in findings.state.items() if state != "ok"} == {"catalogue", "model", "search"}
    assert "matinee train" in findings.told["model"]["advice"]


@pytest.mark.django_db
def test_for_a_person_it_is_a_line_a_check_and_one_of_advice() -> None:
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)

    lines = out.getvalue().splitlines()
    assert any(line.split()[:2] == ["ok", "database"] for line in lines)
    told = next(place for place, line in enumerate(lines) if line.split()[:2] == ["warning", "model"])
    assert "matinee train" in lines[told + 1]


@pytest.mark.django_db
def test_a_damaged_artifact_is_named_with_how_to_make_it_again(settings: Settings) -> None:
    all_is_published()
    store = ArtifactStore(settings.ARTIFACTS_DIR, COLUMNS)
    version = store.current_version() or ""
    array = store.directory / version / "tmdb_ids.npy"
    array.write_bytes(array.read_bytes()[:-1] + b"\x01")

    findings = examined()

    assert findings.state[f"artifact {COLUMNS}"] == "warning"
    assert "tmdb_ids.npy" in findings.told[f"artifact {COLUMNS}"]["detail"]
    assert findings.state[f"artifact {MODEL_KIND}"] == "ok"
    assert findings.exit_code == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "advice"),
    [("community-100k", "load movielens 100k"), (MODEL_KIND, "matinee train"), (CARDS, "next start")],
)
def test_each_kind_of_artifact_has_its_own_advice(settings: Settings, kind: str, advice: str) -> None:
    store = ArtifactStore(settings.ARTIFACTS_DIR, kind)
    version = store.publish({"numbers": np.arange(3)}, {})
    (store.directory / version / "manifest.json").write_text("{}")

    (found,) = doctor.artifacts(now=timezone.now())

    assert not found.ok
    assert advice in found.advice


@pytest.mark.django_db
def test_a_secret_that_others_can_read_is_a_problem(settings: Settings) -> None:
    all_is_published()
    (settings.DATA_DIR / "secret-key").chmod(0o640)

    findings = examined()

    assert (findings.exit_code, findings.state["privacy"]) == (1, "problem")
    assert "secret-key" in findings.told["privacy"]["detail"]
    assert "chmod 600" in findings.told["privacy"]["advice"]


def test_a_database_that_others_can_read_is_a_warning(settings: Settings) -> None:
    settings.DATA_DIR.chmod(0o755)
    (settings.DATA_DIR / "matinee.sqlite3").touch(0o644)

    found = doctor.privacy()

    assert found.state == "warning"
    assert "matinee.sqlite3" in found.detail


@pytest.mark.django_db
def test_a_lost_master_key_is_a_problem_and_named(settings: Settings) -> None:
    alice = create_user(
        email="alice@example.org", username="alice", password="correct horse battery staple", now=timezone.now()
    )
    update_profile(user=alice, changes={"bio": "likes westerns"}, now=timezone.now())
    lost = DataKey.objects.get().master_key_id
    before = doctor.encryption()
    settings.ENCRYPTION_KEYS = ["another key than the one that was used"]

    found = doctor.encryption()

    assert (before.state, found.state) == ("ok", "problem")
    assert lost in found.detail
    assert "MATINEE_ENCRYPTION_KEYS" in found.advice


@pytest.mark.django_db
def test_without_a_database_the_rest_is_still_told() -> None:
    def out_of_reach(execute: Any, *arguments: Any) -> Any:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(out_of_reach):
        findings = examined()

    assert (findings.exit_code, findings.state["database"]) == (1, "problem")
    assert findings.state["disk"] == "ok"
    assert "jobs" not in findings.state


@pytest.mark.django_db
def test_migrations_that_wait_are_a_problem_and_their_tables_are_not_asked() -> None:
    MigrationRecorder.Migration.objects.filter(app="jobs").delete()

    findings = examined()

    assert (findings.exit_code, findings.state["migrations"]) == (1, "problem")
    assert "matinee migrate" in findings.told["migrations"]["advice"]
    assert "queue" not in findings.state
    assert "jobs" not in findings.state


@pytest.mark.django_db
def test_parked_jobs_are_counted() -> None:
    tasks.note.enqueue()
    tasks.act.enqueue()
    DBTaskResult.objects.filter(task_path__endswith="note").update(status=TaskResultStatus.FAILED)

    found = doctor.parked_jobs()

    assert found.state == "warning"
    assert found.detail.startswith("1 failed")


@pytest.mark.django_db
def test_a_clock_behind_what_was_written_is_a_problem() -> None:
    tasks.note.enqueue()
    written_at = DBTaskResult.objects.get().enqueued_at

    found = doctor.clock(now=written_at - dt.timedelta(hours=1))

    assert found.state == "problem"
    assert "3600 s" in found.detail


@pytest.mark.django_db
def test_a_clock_apart_from_the_databases_is_a_problem_where_that_has_its_own(settings: Settings) -> None:
    found = doctor.clock(now=timezone.now() + dt.timedelta(minutes=2))

    assert found.state == ("ok" if settings.EMBEDDED_DATABASE else "problem")


@pytest.mark.parametrize(("free", "state"), [(2_000_000_000, "ok"), (500_000_000, "warning"), (50_000_000, "problem")])
def test_little_space_is_told_before_there_is_none(free: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    total = 10_000_000_000
    usage = shutil.disk_usage(os.sep)._replace(total=total, used=total - free, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)  # nobody can fill a disk for a test

    assert doctor.disk().state == state


def test_an_unsound_sqlite_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["sqlite3"], "sqlite_version_info", (3, 40, 1))

    found = doctor.sqlite_version()

    assert found.state == "problem"
    assert "SQLite 3.40.1" in found.detail


def test_a_setting_that_can_not_be_right_is_a_problem(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["matinee.example.org"]

    found = doctor.configuration()

    assert found.state == "problem"
    assert "CSRF_TRUSTED_ORIGINS" in found.detail


def test_what_is_weak_in_production_is_a_warning(settings: Settings) -> None:
    settings.MODE, settings.SECURE_HSTS_SECONDS = "production", 0

    found = doctor.configuration()

    assert found.state == "warning"
    assert "SECURE_HSTS_SECONDS" in found.detail


def test_a_valkey_that_does_not_answer_is_a_warning() -> None:
    with valkey() as server:
        answering = doctor.valkey(server.url)
        server.stop()
        away = doctor.valkey(server.url)

    assert (answering.state, away.state) == ("ok", "warning")
    assert "MATINEE_VALKEY_URL" in away.advice


def test_a_data_directory_is_made_for_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "new"
    subprocess.run(
        [sys.executable, "-m", "matinee.cli", "check"],
        env=os.environ | {"MATINEE_DATA_DIR": str(folder)},
        check=True,
        capture_output=True,
    )

    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("mode", "delivered", "state"),
    [("embedded", False, "ok"), ("embedded", True, "ok"), ("production", True, "ok"), ("production", False, "warning")],
)
def test_mail_that_goes_nowhere_is_a_warning(settings: Settings, mode: str, delivered: bool, state: str) -> None:
    settings.MODE, settings.MAIL_IS_DELIVERED = mode, delivered

    assert examined().state["mail"] == state
