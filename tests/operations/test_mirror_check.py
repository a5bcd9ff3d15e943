"""`matinee doctor` tells how the mirror of TMDb does, where there is one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.operations import doctor
from matinee.tmdb import connection
from matinee.tmdb.models import SyncStep, WantedFilm

NOW = timezone.now()


@pytest.fixture(autouse=True)
def _configured(settings: Settings, tmp_path: Path, db: None) -> None:
    settings.DATA_DIR = tmp_path
    settings.TMDB_TOKEN = "a.token.of.the.test"


def changes_are_in_up_to(days_ago: int) -> None:
    SyncStep.objects.create(name="changes", done_at=NOW, day=NOW.date() - dt.timedelta(days=days_ago))


def names() -> list[str]:
    return [check.name for check in doctor.examine(now=NOW)]


def test_a_mirror_that_follows_is_ok() -> None:
    changes_are_in_up_to(1)
    WantedFilm.objects.create(tmdb_id=603, rank=0)

    check = doctor.mirror(now=NOW)

    assert check.ok
    assert "films to be asked for: 1, set aside: 0." in check.detail


@pytest.mark.parametrize("days_ago", [None, 4])
def test_one_that_never_ran_or_fell_behind_is_a_warning(days_ago: int | None) -> None:
    if days_ago is not None:
        changes_are_in_up_to(days_ago)

    assert doctor.mirror(now=NOW).state == "warning"


def test_a_tmdb_that_fails_is_a_warning() -> None:
    changes_are_in_up_to(1)
    for _ in range(5):
        connection.pace().failed()

    check = doctor.mirror(now=timezone.now())

    assert (check.state, "is given a rest" in check.detail) == ("warning", True)


def test_without_tmdb_nothing_is_said_of_it(settings: Settings) -> None:
    with_it = "tmdb" in names()
    settings.TMDB_TOKEN = None

    assert (with_it, "tmdb" in names()) == (True, False)
