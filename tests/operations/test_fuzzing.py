"""Whatever schemathesis makes of the schema, for it and against it, a live server neither fails nor breaks it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.operations.instances import database, environment_of, started_on
from tests.rounds import rounds

CONFIG = Path(__file__).with_name("schemathesis.toml")
FIRST_SEED = 7
CASES = 3_000
EMAIL, PASSWORD = "fuzzed@example.org", "nobody guesses what stands here"
PREPARE = f"""
from django.utils.timezone import now
from matinee.accounts.services import create_user
from matinee.accounts.sessions import open_session
from matinee.catalog.models import Movie
from matinee.library.models import Dismissal, Favorite, Watchlist
person = create_user(email={EMAIL!r}, username="fuzzed", password={PASSWORD!r}, now=now())
for number in (603, 11, 78, 62):
    film = Movie.objects.create(tmdb_id=number, title=f"Film {{number}}", created_at=now(), updated_at=now())
    for kind in (Dismissal, Favorite, Watchlist):
        kind.objects.create(user=person, movie=film, created_at=now())
guessed = create_user(email="guessed@example.org", username="guessed", password={PASSWORD!r}, now=now())
print(open_session(user=guessed, now=now()).access)
"""
LIMITS = {f"MATINEE_LIMIT_{kind}": "0" for kind in ("REGISTER", "SIGN_IN", "WRITES", "READS", "EXPORTS")}
A_DAY = {"MATINEE_ACCESS_TOKEN_SECONDS": "86400"}


def told_by(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command says that may leave files in `folder`; without coverage, which only slows schemathesis down."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(
        arguments, cwd=folder, env=inherited | environment, capture_output=True, text=True, check=False
    )


def test_no_case_of_thousands_ends_in_a_5xx_or_breaks_the_schema(tmp_path: Path) -> None:
    with database() as url:
        here = environment_of(url, tmp_path) | A_DAY
        told_by(tmp_path, "matinee.cli", "migrate", "--verbosity", "0", **here).check_returncode()
        prepared = told_by(tmp_path, "matinee.cli", "shell", "--verbosity", "0", "--command", PREPARE, **here)
        assert prepared.returncode == 0, prepared.stderr
        known = {"FUZZED_EMAIL": EMAIL, "FUZZED_PASSWORD": PASSWORD, "GUESSED_TOKEN": prepared.stdout.strip()}
        with started_on(url, tmp_path, "serve", "--workers", "2", "--web-only", **LIMITS, **A_DAY) as instance:
            schema = f"http://127.0.0.1:{instance.port}/api/openapi.json"
            for seed in range(FIRST_SEED, FIRST_SEED + rounds(1)):
                options = ("--config-file", str(CONFIG), "run", schema, "--no-color", "--seed", str(seed))
                fuzzed = told_by(tmp_path, "schemathesis.cli", *options, **known)

                sys.stdout.write(fuzzed.stdout)
                assert fuzzed.returncode == 0, fuzzed.stderr
                assert cases_of(fuzzed.stdout) >= CASES
                assert links_of(fuzzed.stdout) > 0, "requests are made of what others answered"


def cases_of(told: str) -> int:
    return int(re.findall(r"Test cases:\s+(\d+) generated", told)[0])


def links_of(told: str) -> int:
    """From one operation to another, as the phase found them that follows such links."""
    return int(re.findall(r"Stateful \(in .*?API Links: .*?(\d+) selected", told, re.S)[0])
