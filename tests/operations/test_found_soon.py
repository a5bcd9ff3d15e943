"""Films that are added and changed are found within two seconds on the machine that took them in, a load of all others
beside them or not. How soon other nodes find them `test_two_nodes.py` shows."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest

from tests.operations.instances import database, environment_of, started_on
from tests.operations.processes import eventually
from tests.operations.test_killed_processes import NO_LIMITS, ask
from tests.rounds import TIMES, rounds

pytestmark = pytest.mark.skipif(TIMES == 1, reason="Times are asserted by `make soak` alone.")

FOUND_WITHIN = 2.0
ADD_FILM = """
INSERT INTO catalog_movie (tmdb_id, title, media_type, genre_ids, production_companies, production_countries,
    spoken_languages, keywords, directors, "cast", created_at, updated_at)
VALUES (%s, %s, 'movie', '[]', '[]', '[]', '[]', '[]', '[]', '[]', '2026-01-01 00:00:00Z', '2026-01-01 00:00:00Z')
"""
RETITLE = "UPDATE catalog_movie SET title = %s WHERE tmdb_id = %s"
CHANGE_ALL = "UPDATE catalog_movie SET vote_count = coalesce(vote_count, 0) + 1"
FIRST = 1_000_000_001
Execute: TypeAlias = Callable[..., Any]


@contextmanager
def another_program(url: str, folder: Path) -> Iterator[Execute]:
    """One that writes to the database beside the service."""
    if url:
        with psycopg.connect(url, autocommit=True) as rows:
            yield rows.execute
        return
    with contextlib.closing(sqlite3.connect(folder / "matinee.sqlite3", timeout=60, isolation_level=None)) as file:
        yield lambda statement, values=(): file.execute(statement.replace("%s", "?"), values)


def seconds_until_found(port: int, title: str) -> float:
    committed = time.monotonic()

    def is_found() -> bool:
        _, page = ask(port, "GET", f"movies/search/?q={title}")
        return [card["title"] for card in page["results"]] == [title]

    assert eventually(is_found, within=60), title
    return time.monotonic() - committed


def test_what_is_added_and_changed_is_found_within_two_seconds(tmp_path: Path) -> None:
    chance, seconds = random.Random(7), list[float]()
    with database() as url:
        for command in (["migrate", "--verbosity", "0"], ["load", "starter"]):
            arguments = [sys.executable, "-m", "matinee.cli", *command]
            subprocess.run(arguments, env=os.environ | environment_of(url, tmp_path), check=True, capture_output=True)
        with (
            started_on(url, tmp_path, "serve", "--workers", "1", **NO_LIMITS) as instance,
            another_program(url, tmp_path) as execute,
        ):
            assert eventually(lambda: ask(instance.port, "GET", "movies/search/?q=haet")[1]["results"], within=90)
            for turn in range(rounds(3)):
                if turn % 3 == 2:
                    execute(CHANGE_ALL)
                execute(ADD_FILM, (FIRST + turn, f"Added{turn}xx"))
                seconds.append(seconds_until_found(instance.port, f"Added{turn}xx"))
                execute(RETITLE, (f"Changed{turn}xx", FIRST + turn))
                seconds.append(seconds_until_found(instance.port, f"Changed{turn}xx"))
                time.sleep(chance.uniform(0, 1))

    assert max(seconds) <= FOUND_WITHIN, sorted(seconds)
