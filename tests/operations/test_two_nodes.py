"""Two nodes with data directories of their own, one PostgreSQL, one Valkey and one depot are one service."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from tests.core.valkey import valkey
from tests.operations.instances import Instance, database, started_on
from tests.operations.processes import eventually, get
from tests.operations.test_killed_processes import PASSWORD, ask
from tests.operations.test_limits_in_service import sign_ins

LIMIT = 20
FILMS = (603, 11, 78, 62, 348, 680, 27205, 11036)
ADD_FILM = """
INSERT INTO catalog_movie (tmdb_id, title, media_type, genre_ids, production_companies, production_countries,
    spoken_languages, keywords, directors, "cast", created_at, updated_at)
VALUES (%s, %s, 'movie', '[]', '[]', '[]', '[]', '[]', '[]', '[]', now(), now())
"""
DAILY = [
    "matinee.accounts.tasks.forget_expired_sessions",
    "matinee.accounts.tasks.forget_old_guesses",
    "matinee.audit.tasks.drop_old_audit_segments",
]
JOBS_THAT_RAN_TWICE = (
    "SELECT task_path FROM django_tasks_database_dbtaskresult WHERE jsonb_array_length(worker_ids) > 1"
)
HOW_OFTEN_QUEUED = """
SELECT task_path, COUNT(*) FROM django_tasks_database_dbtaskresult WHERE task_path = ANY(%s) GROUP BY 1 ORDER BY 1
"""
SECRETS = {
    "MATINEE_SECRET_KEY": "a secret of thirty-two characters, or of more than that",
    "MATINEE_ENCRYPTION_KEYS": "keys-of-thirty-two-characters-or-of-more",
}
LISTED_WITHIN = 30.0


@contextmanager
def two_nodes(url: str, folder: Path) -> Iterator[tuple[Instance, Instance]]:
    """Both run jobs, each in a data directory of its own."""
    depot = folder / "depot"
    depot.mkdir()
    with valkey() as counters:
        shared = {**SECRETS, "MATINEE_DEPOT_URL": f"file://{depot}", "MATINEE_VALKEY_URL": counters.url}
        shared["MATINEE_LIMIT_SIGN_IN"] = str(LIMIT)
        with (
            started_on(url, folder / "first", "serve", "--workers", "1", **shared) as one,
            started_on(url, folder / "second", "serve", "--workers", "1", **shared) as other,
        ):
            yield one, other


def in_service(port: int) -> dict[str, Any]:
    """What /readyz says of each artifact that is there."""
    checks = json.loads(get(port, "/readyz")[1])["checks"]
    return {kind: checks[kind]["detail"] for kind in ("catalogue", "model", "search", "depot") if checks[kind]["ok"]}


def told_by(nodes: tuple[Instance, Instance]) -> str:
    return "\n".join(f"{in_service(node.port)}\n{node.output}" for node in nodes)


def titles(port: int, path: str) -> list[str]:
    _, page = ask(port, "GET", path)
    return [card["title"] for card in page["results"]]


def recommended(port: int, token: str) -> list[int]:
    status, page = ask(port, "GET", "movies/recommendations/", token=token)
    assert status == 200, page
    return [card["tmdb_id"] for card in page["results"]]


@pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="Two nodes share a PostgreSQL; SQLite is for one.")
def test_two_nodes_are_one_service(tmp_path: Path) -> None:
    with database() as url, two_nodes(url, tmp_path) as nodes, psycopg.connect(url, autocommit=True) as rows:
        one, other = (node.port for node in nodes)
        rows.cursor().executemany(ADD_FILM, [(number, f"Film {number}") for number in FILMS])

        assert eventually(lambda: len(in_service(one)) == 4, within=60), told_by(nodes)
        assert eventually(lambda: in_service(other) == in_service(one), within=60), told_by(nodes)
        _what_is_done_on_one_counts_on_the_other_at_once(one, other)
        _a_limit_is_one_of_both(one, other)
        rows.execute("UPDATE catalog_movie SET title = 'Ikiru' WHERE tmdb_id = 603")
        assert eventually(lambda: titles(other, "movies/search/?q=ikiru") == ["Ikiru"], within=LISTED_WITHIN)
        assert eventually(lambda: titles(other, "movies/?sort_by=title.desc")[0] == "Ikiru", within=LISTED_WITHIN)
        assert rows.execute(JOBS_THAT_RAN_TWICE).fetchall() == []
        assert rows.execute(HOW_OFTEN_QUEUED, [DAILY]).fetchall() == [(path, 1) for path in DAILY]


def _what_is_done_on_one_counts_on_the_other_at_once(one: int, other: int) -> None:
    status, alice = ask(one, "POST", "users/register/", {"email": "alice@example.org", "password": PASSWORD})
    assert status == 201, alice
    token = alice["access"]
    before = recommended(other, token)
    assert sorted(before) == sorted(FILMS)
    for film in before[:4]:  # until the second answer is remembered, and after
        assert ask(one, "POST", f"movies/{film}/rate/", {"rating": 5}, token)[0] == 201
        assert film not in recommended(other, token)
    assert ask(one, "POST", "users/logout/", {"refresh": alice["refresh"]}, token)[0] == 204
    assert ask(other, "GET", "movies/recommendations/", token=token)[0] == 401


def _a_limit_is_one_of_both(one: int, other: int) -> None:
    if time.time() % 60 > 50:
        time.sleep(60 - time.time() % 60)  # the limit is one of a minute, which must not end meanwhile
    with ThreadPoolExecutor(4) as pool:
        tries = pool.map(lambda port: sign_ins(port, LIMIT // 2), (one, other) * 2)
        answered = Counter(chain.from_iterable(tries))
    assert answered == {422: LIMIT, 429: LIMIT}
