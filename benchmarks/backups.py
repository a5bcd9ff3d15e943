"""`python -m benchmarks.backups`: how long a backup and a restore of a gigabyte take, by the commands themselves."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

from benchmarks.arguments import above_zero
from benchmarks.http import contenders, place
from benchmarks.venvs import BENCHMARKS

MATINEE = [sys.executable, "-m", "matinee.cli"]
REVIEW_BYTES = 800
FILMS = 1_000
FILL = """
import sys
import benchmarks.django_ready
from django.db import connection, transaction
from django.utils.timezone import now
from matinee.accounts.models import User
from matinee.catalog.models import Movie
people, films = int(sys.argv[1]), int(sys.argv[2])
names = [f"p{n}" for n in range(people)]
User.objects.bulk_create(
    User(email=f"{name}@example.org", email_key=name, username=name, username_key=name, date_joined=now())
    for name in names
)
Movie.objects.bulk_create(
    Movie(tmdb_id=n, title=f"Film {n}", created_at=now(), updated_at=now()) for n in range(1, films + 1)
)
some_text, size = {
    "sqlite": (
        "hex(randomblob(400))",
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    ),
    "postgresql": (
        "(SELECT string_agg(md5(random()::text || u.id || m.id || n), '') FROM generate_series(1, 25) n)",
        "SELECT pg_database_size(current_database())",
    ),
}[connection.vendor]
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO library_movierating "
        "(user_id, movie_id, rating, review, review_private, review_hidden, created_at, updated_at) "
        f"SELECT u.id, m.id, 4, {some_text}, false, false, m.created_at, m.created_at "
        "FROM accounts_user u CROSS JOIN catalog_movie m"
    )
with connection.cursor() as cursor:
    cursor.execute(size)
    print(cursor.fetchone()[0])
"""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    cores = place.pinned()
    with place.scratch() as (folder, stack):
        database = stack.enter_context(place.postgresql(folder / "postgresql")) if options.postgresql else None
        env = contenders.environment_of(folder, database.get_uri() if database else None)
        if database:
            env["PATH"] = f"{database.bin_path}:{env['PATH']}"
        subprocess.run([*MATINEE, "migrate", "--verbosity", "0"], env=env, check=True)
        people = int(options.gigabytes * 1e9 / FILMS / (1.2 * REVIEW_BYTES))
        fill = [sys.executable, "-c", FILL, str(people), str(FILMS)]
        filled = subprocess.run(fill, cwd=BENCHMARKS.parent, env=env, check=True, capture_output=True, text=True)
        size = int(filled.stdout)
        place.say(f"{size / 1e9:.2f} GB are there")
        server = psutil.Process(database.get_pid()) if database else None
        backup = timed([*MATINEE, "backup", str(folder / "backups")], env, server)
        [archive] = (folder / "backups").glob("*.backup")
        archived = archive.stat().st_size
        restore = timed([*MATINEE, "restore", str(archive), "--replace"], env, server)
    for name, value in place.about("benchmarks.backups", arguments, cores=cores).items():
        print(f"- {name}: {value}")
    print(f"- Data: {people * FILMS:,} ratings with reviews on {'PostgreSQL' if database else 'SQLite'}")
    print("\n| database, GB | archive, GB | backup and its trial, s | of CPU | restore, s | of CPU |")
    print("|---|---|---|---|---|---|")
    times = " | ".join(f"{seconds:.0f}" for seconds in (*backup, *restore))
    print(f"| {size / 1e9:.2f} | {archived / 1e9:.2f} | {times} |")


def timed(command: Sequence[str], env: dict[str, str], server: psutil.Process | None) -> tuple[float, float]:
    """Seconds on the clock and of CPU, a database server's own included. Raises CalledProcessError where it fails."""
    began, cpu_before = time.perf_counter(), cpu_seconds(server)
    subprocess.run(command, cwd=BENCHMARKS.parent, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, cpu_seconds(server) - cpu_before


def cpu_seconds(server: psutil.Process | None) -> float:
    """Of this program's children and of a server with all that it has started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    processes = [] if server is None else [server, *server.children()]
    return usage.ru_utime + usage.ru_stime + sum(sum(process.cpu_times()[:4]) for process in processes)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backups", description=__doc__)
    parser.add_argument("--gigabytes", type=above_zero, default=1.0)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own, and not on SQLite")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
