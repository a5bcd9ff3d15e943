"""What an operator is told who has neither Spark nor Java."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from matinee.recommendations.on_spark.needs import SparkCannotCount, look_for_spark
from matinee.recommendations.training import train
from tests.recommendations.conftest import NOW


@pytest.fixture
def _no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_packages")
def test_without_the_extra_it_says_how_to_install_it() -> None:
    with pytest.raises(CommandError, match=r"pip install 'matinee\[spark\]'"):
        call_command("train", engine="spark")


@pytest.mark.usefixtures("_no_packages")
def test_a_setting_asks_for_spark_too(settings: Settings) -> None:
    settings.SPARK_MASTER = "local[*]"

    with pytest.raises(SparkCannotCount, match="not installed"):
        train(now=NOW)


def test_without_java_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SparkCannotCount, match="needs Java 17"):
        look_for_spark()
