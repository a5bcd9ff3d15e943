"""A few films in the database, a data directory of their own, and a folder for backups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from matinee.catalog.models import Movie

NOW = dt.datetime(2026, 11, 26, 4, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _a_data_directory_of_its_own(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir(mode=0o700)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def empty_database(transactional_db: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django's test cases would let no connection through to a database that is made on the way."""
    with patch.object(BaseDatabaseWrapper, "ensure_connection", django_db_blocker._real_ensure_connection):
        yield


@pytest.fixture
def films(empty_database: None) -> list[int]:
    return add_films(1, 4)


def add_films(start: int, stop: int) -> list[int]:
    numbers = range(start, stop)
    Movie.objects.bulk_create(Movie(tmdb_id=n, title=f"Film {n}", created_at=NOW, updated_at=NOW) for n in numbers)
    return [*numbers]


def film_numbers() -> list[int]:
    return [*Movie.objects.order_by("tmdb_id").values_list("tmdb_id", flat=True)]
