"""`matinee` is Django's manage.py under the product's name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from matinee import __version__, cli


def test_it_says_its_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["matinee", "--version"])

    cli.main()

    assert capsys.readouterr().out == f"{__version__}\n"


def test_every_django_command_works(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["matinee", "diffsettings"])

    cli.main()

    assert "ROOT_URLCONF = 'matinee.urls'" in capsys.readouterr().out


def test_a_wrong_setting_stops_it_with_a_sentence_and_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_REGISTRATION", "perhaps")

    ended = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "check"], check=False, stderr=subprocess.PIPE, text=True
    )

    assert ended.returncode == 78
    assert "MATINEE_REGISTRATION" in ended.stderr
    assert "Traceback" not in ended.stderr
