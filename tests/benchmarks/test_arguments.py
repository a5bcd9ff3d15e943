"""What can't be measured is said before anything is set up."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from benchmarks.http.endpoints import endpoints, names
from benchmarks.http.servers import USERNAME


@pytest.mark.parametrize(
    ("program", "arguments", "told"),
    [
        ("http.__main__", "--only nothing", "argument --only: none is so named; there are: list, signed in; "),
        ("http.__main__", "--films 300", "argument --films: 1,000 is the least"),
        ("http.__main__", "--films many", "argument --films: invalid number value: 'many'"),
        ("http.__main__", "--rounds 0", "argument --rounds: 1 is the least"),
        ("http.__main__", "--seconds 0", "argument --seconds: give a number above 0"),
        ("http.breakdown", "--only nothing", "argument --only: none is so named"),
        ("http.growth", "--films 10000 300", "argument --films: 1,000 is the least"),
        ("http.overload", "--seconds nan", "argument --seconds: give a number above 0"),
        ("http.settings", "--cores 0", "argument --cores: 1 is the least"),
        ("http.soak", "--minutes inf", "argument --minutes: give a number above 0"),
        ("recommender.__main__", "--only nothing", "argument --only: none is so named; there are: popularity; "),
        ("search.__main__", "--each 1", "argument --each: 2 is the least"),
    ],
)
def test_the_argument_is_named(capsys: pytest.CaptureFixture[str], program: str, arguments: str, told: str) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"benchmarks.{program}").main(arguments.split())

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_requests_have_the_same_names_whatever_the_rows_are() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "people": [{"id": 1, "username": USERNAME}],
        "films": [{"id": 1, "tmdb_id": 603, "popularity": 1.0}],
        "favorites": [],
        "watchlist": [],
        "ratings": [],
    }

    assert [one.name for one in endpoints(rows)] == names()
