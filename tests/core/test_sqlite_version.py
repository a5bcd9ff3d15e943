from __future__ import annotations

import sys

import pytest

from matinee.core.sqlite import version


def test_the_sqlite_that_runs_here_is_a_sound_one() -> None:
    assert version.warning() is None


def test_an_unsound_version_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["sqlite3"], "sqlite_version_info", (3, 40, 1))

    warning = version.warning()

    assert warning is not None
    assert "SQLite 3.40.1" in warning
    assert "pysqlite3" in warning


def test_a_sound_standard_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.modules["sqlite3"]
    monkeypatch.setattr("matinee.core.sqlite.version.sqlite3.sqlite_version_info", (3, 99, 0))

    version.prefer_sound_version()

    assert sys.modules["sqlite3"] is before


def test_without_the_remedy_the_old_one_stays_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.modules["sqlite3"]
    monkeypatch.setattr("matinee.core.sqlite.version.sqlite3.sqlite_version_info", (3, 40, 1))
    monkeypatch.setitem(sys.modules, "pysqlite3", None)

    version.prefer_sound_version()

    assert sys.modules["sqlite3"] is before
