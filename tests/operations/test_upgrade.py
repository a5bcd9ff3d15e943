"""An older program on the present schema, as while nodes are replaced one by one, and its data under the present one.

The older programs come of this repository's history, and run with the packages of today: the one before a migration was
added last, and all that were released; or the one that MATINEE_TEST_UPGRADE_FROM names.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.operations.instances import database, environment_of, started_on
from tests.operations.test_killed_processes import ADD_FILMS, FILMS, NO_LIMITS, PASSWORD, ask
from tests.rounds import TIMES

REPOSITORY = Path(__file__).parents[2]
FROM = os.environ.get("MATINEE_TEST_UPGRADE_FROM", "")
BEFORE_THE_LAST_MIGRATION = "before-the-last-migration"
UNLIMITED = {"MATINEE_LIMIT_SIGN_IN": "0", **NO_LIMITS}
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}
OF_JOBS = ("django_tasks_", "jobs_", "catalog_change", "catalog_moviechange")
"""How the names of tables begin whose rows come and go by themselves."""
ALL_JOBS_AGAIN = """
import time
from django.utils.timezone import now
from matinee.core.jobs.models import Job, Schedule
began = now()
Schedule.objects.update(next_run_at=began)
done = Job.objects.filter(task_path__endswith="forget_old_guesses", enqueued_at__gte=began, status="SUCCESSFUL")
while not done.exists() or Job.objects.filter(status__in=["READY", "RUNNING"]).exists():
    assert (now() - began).total_seconds() < 60, "some are never done"
    time.sleep(0.1)
for job in Job.objects.exclude(traceback=""):
    print(job.task_path, job.traceback)
"""
Rows = Mapping[str, int]


def git(*command: str) -> str:
    """What it says; empty where it refuses, or is not there."""
    if shutil.which("git") is None:
        return ""
    ran = subprocess.run(["git", *command], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else ""


def revisions() -> list[str]:
    if FROM or TIMES == 1:
        return [FROM or BEFORE_THE_LAST_MIGRATION]
    return [BEFORE_THE_LAST_MIGRATION, *git("tag", "--list", "v*").split()]


def before_the_last_migration() -> str:
    """Empty where there is no history to look into, as in a shallow clone."""
    added = git("log", "-1", "--diff-filter=A", "--format=%H", "--", "src/matinee/*/migrations/0*.py")
    return git("rev-parse", "--verify", "--quiet", f"{added}^") if added else ""


@pytest.fixture
def older(revision: str, tmp_path: Path) -> dict[str, str]:
    """The environment in which commands run an older program."""
    found = before_the_last_migration() if revision == BEFORE_THE_LAST_MIGRATION else revision
    if not found:
        pytest.skip("There is no history here to take an older program from.")
    archive, folder = tmp_path / "older.tar", tmp_path / "older"
    subprocess.run(["git", "archive", f"--output={archive}", found, "src"], cwd=REPOSITORY, check=True)
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return {"PYTHONPATH": str(folder / "src")}


def run(url: str, folder: Path, *command: str, **environment: str) -> str:
    env = os.environ | environment_of(url, folder) | environment
    arguments = [sys.executable, "-m", "matinee.cli", *command]
    ran = subprocess.run(arguments, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


class Person:
    """What somebody has, by what the service said when they did it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.access = ""

    def do(self, port: int, method: str, path: str, body: Any = None) -> Any:
        status, answer = ask(port, method, path, body, self.access)
        assert status < 300, f"{method} {path} as {self.name}: {status} {answer}"
        return answer

    def register(self, port: int) -> None:
        body = {"email": f"{self.name}@example.org", "username": self.name, "password": PASSWORD}
        self.access = self.do(port, "POST", "users/register/", body)["access"]

    def sign_in(self, port: int) -> None:
        self.access = ""
        self.access = self.do(port, "POST", "users/login/", {"username": self.name, "password": PASSWORD})["access"]

    def collect(self, port: int) -> None:
        """One row of each kind at least; done again it leaves the same."""
        for film, stars in zip(FILMS[:3], (5, 4, 1), strict=True):
            self.do(port, "POST", f"movies/{film}/rate/", {"rating": stars, "review": f"{stars} of five"})
        self.do(port, "POST", "movies/favorites/", {"movie_id": FILMS[0]})
        self.do(port, "POST", "movies/watchlist/", {"movie_id": FILMS[4]})
        self.do(port, "PUT", f"movies/recommendations/{FILMS[5]}/dismiss/")
        self.do(port, "PATCH", "users/profile/", {"bio": f"{self.name} likes westerns"})

    def change_their_mind(self, port: int) -> None:
        """All that is written twice, or taken back."""
        self.do(port, "POST", f"movies/{FILMS[6]}/rate/", {"rating": 2})
        self.do(port, "PUT", f"movies/{FILMS[6]}/rate/", {"rating": 3})
        self.do(port, "DELETE", f"movies/{FILMS[6]}/rate/")
        self.do(port, "POST", "movies/favorites/", {"movie_id": FILMS[7]})
        self.do(port, "DELETE", f"movies/favorites/{FILMS[7]}/")
        self.do(port, "DELETE", f"movies/recommendations/{FILMS[5]}/dismiss/")
        self.do(port, "PUT", f"movies/recommendations/{FILMS[5]}/dismiss/")

    def has(self, port: int) -> dict[str, Any]:
        ratings = self.do(port, "GET", "movies/ratings/")["results"]
        return {
            "ratings": {card["tmdb_id"]: card["rating"] for card in ratings},
            "favorites": numbers(self.do(port, "GET", "movies/favorites/")),
            "watchlist": numbers(self.do(port, "GET", "movies/watchlist/")),
            "dismissed": numbers(self.do(port, "GET", "movies/recommendations/dismissed/")),
            "bio": self.do(port, "GET", "users/profile/")["bio"],
        }


def numbers(page: Any) -> list[int]:
    return [card["tmdb_id"] for card in page["results"]]


def look_around(port: int, person: Person) -> None:
    """Every list and page that needs no film of its own."""
    assert person.do(port, "GET", f"movies/{FILMS[0]}/")["title"] == f"Film {FILMS[0]}"
    assert sorted(numbers(person.do(port, "GET", "movies/?sort_by=title.asc"))) == sorted(FILMS)
    for path in (
        "movies/?sort_by=vote_average.desc&page_size=5",
        "movies/genres/",
        "movies/trending/",
        "movies/search/?q=film",
        f"movies/{FILMS[0]}/reviews/",
        f"movies/{FILMS[0]}/similar/",
        "users/sessions/",
        "users/activity/",
    ):
        person.do(port, "GET", path)
    assert FILMS[0] not in numbers(person.do(port, "GET", "movies/recommendations/"))


def rows_of(url: str, folder: Path) -> Rows:
    """Table → number of rows."""
    if url:
        with psycopg.connect(url) as server:
            tables = [name for (name,) in server.execute(TABLES["postgresql"]).fetchall()]
            return {t: server.execute(f'SELECT COUNT(*) FROM "{t}"').fetchall()[0][0] for t in tables}
    with closing(sqlite3.connect(folder / "matinee.sqlite3")) as file:
        tables = [name for (name,) in file.execute(TABLES["sqlite"])]
        return {t: file.execute(f'SELECT COUNT(*) FROM "{t}"').fetchone()[0] for t in tables}


@pytest.mark.skipif(TIMES == 1 and not FROM, reason="`make test-upgrade` and `make soak` alone start two programs.")
@pytest.mark.parametrize("revision", revisions())
def test_the_program_before_works_on_the_new_schema_and_all_it_wrote_is_there_after_it(
    tmp_path: Path, older: dict[str, str], revision: str
) -> None:
    folder, alice, bob = tmp_path / "data", Person("alice"), Person("bob")
    command = ("serve", "--workers", "1")
    with database() as url:
        run(url, folder, "migrate", "--verbosity", "0", **older)
        run(url, folder, "shell", "--verbosity", "0", "--command", ADD_FILMS, **older)
        with started_on(url, folder, *command, **older, **UNLIMITED) as old:
            alice.register(old.port)
            alice.collect(old.port)
            of_alice, before = alice.has(old.port), rows_of(url, folder)

            told = run(url, folder, "migrate")
            after = rows_of(url, folder)

            if revision == BEFORE_THE_LAST_MIGRATION:  # a release may have today's schema
                assert "Applying" in told, "the older program has a smaller schema"
            fewer = {table for table, number in before.items() if after.get(table, 0) < number}
            assert {table for table in fewer if not table.startswith(OF_JOBS)} == set()
            assert run(url, folder, "shell", "--verbosity", "0", "--command", ALL_JOBS_AGAIN, **older) == ""
            _works(old.port, alice, of_alice)
            bob.register(old.port)
            bob.collect(old.port)
            _works(old.port, bob, bob.has(old.port))
            of_bob = bob.has(old.port)
        run(url, folder, "migrate", "--verbosity", "0", **older)  # one of its nodes is started again meanwhile
        with started_on(url, folder, *command, **UNLIMITED) as new:
            _works(new.port, alice, of_alice)
            _works(new.port, bob, of_bob)


def _works(port: int, person: Person, has: dict[str, Any]) -> None:
    """They find what they had, may do all else, and have the same after it."""
    assert person.has(port) == has, "who was signed in stays so"
    person.sign_in(port)
    person.collect(port)
    person.change_their_mind(port)
    look_around(port, person)
    assert person.has(port) == has
