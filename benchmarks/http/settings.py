"""`python -m benchmarks.http.settings`: how many workers, requests at once and which runtime fit a machine's cores."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.arguments import above_zero, at_least
from benchmarks.http import contenders, far, place
from benchmarks.http.building import publish
from benchmarks.http.client import HOST
from benchmarks.http.endpoints import FEWEST_FILMS, Endpoint, endpoints
from benchmarks.http.measuring import CONNECTIONS, Load, Measurement, measure
from benchmarks.http.publishing import publish as publish_result
from benchmarks.http.settings_report import markdown
from benchmarks.paths import RESULTS

ASKED = frozenset({"list, signed in", "rate"})
WORKERS, AT_ONCE = (1, 2, 4), (1, 2, 4)
RUNTIMES = ("st", "mt")
"""Of granian's worker: one thread that reads and writes, or several. The first is its own choice."""
SQLITE, POSTGRESQL, FAR = "SQLite", "PostgreSQL", "PostgreSQL afar"
FAR_MS = 0.5
"""From the last one, there and back, as within a data centre."""


@dataclass(frozen=True)
class Settings:
    cores: int
    database: str
    workers: int
    at_once: int
    runtime: str = RUNTIMES[0]

    @property
    def name(self) -> str:
        return f"{self.cores}, {self.database}, {self.workers}, {self.at_once}, {self.runtime}"


@dataclass(frozen=True)
class Database:
    env: dict[str, str]
    asked: list[Endpoint]
    beside: tuple[int, ...] = ()


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    measured: dict[str, dict[str, list[Measurement]]] = defaultdict(lambda: defaultdict(list))
    about = place.about("benchmarks.http.settings", arguments, cores=place.pinned(max(options.cores)))
    with place.scratch() as (folder, _):
        for number in range(options.rounds):
            for cores in options.cores:
                for tried, request, one in _round(cores, folder, options):
                    measured[request][tried.name].append(one)
                    place.say(f"round {number + 1}  {tried.name:24} {request:16} {one.requests_per_second:.0f}/s")
    record = {
        "about": about
        | {
            "Data": f"{options.films:,} films",
            "Load": f"{options.rounds} rounds of {options.seconds:g} s, {CONNECTIONS} connections; medians. The load "
            "generator has the same cores, and on PostgreSQL its server, whose CPU counts with ours; afar it answers "
            f"{FAR_MS} ms later, by a relay on the same cores, whose CPU does not count",
        },
        "servers": [tried.name for cores in options.cores for tried in _tried(cores)],
        "rounds": {
            request: {name: [asdict(one) for one in rounds] for name, rounds in by_settings.items()}
            for request, by_settings in measured.items()
        },
    }
    text = markdown(record)
    publish_result("http-settings", record, text, out=options.out)
    print(text)


def _round(cores: int, folder: Path, options: argparse.Namespace) -> Iterator[tuple[Settings, str, Measurement]]:
    """Everything that is tried on so many cores, once."""
    place.pinned(cores)
    with place.postgresql(folder / "pgdata") as server:  # anew, so that it keeps to the same cores
        beside = (server.get_pid(),)
        near = _database(folder / POSTGRESQL, options.films, url=server.get_uri(), beside=beside)
        [listens_in] = parse_qs(urlsplit(server.get_uri()).query)["host"]
        with far.relay(f"{listens_in}/.s.PGSQL.5432", milliseconds=FAR_MS) as port:
            url = f"postgresql://{server.postgres_user}@{HOST}:{port}/postgres"
            databases = {
                SQLITE: _database(folder / SQLITE, options.films),
                POSTGRESQL: near,
                FAR: replace(near, env=near.env | {"MATINEE_DATABASE_URL": url}),
            }
            for tried in _tried(cores):
                for request, one in _measured(tried, databases[tried.database], folder, options.seconds).items():
                    yield tried, request, one


def _tried(cores: int) -> Iterator[Settings]:
    """Every number of workers with every number of requests at once; and the other runtime once. Far away, a worker for
    each core alone."""
    for database in (SQLITE, POSTGRESQL):
        for workers in WORKERS:
            for at_once in AT_ONCE:
                yield Settings(cores, database, workers, at_once)
        yield Settings(cores, database, cores, 1, RUNTIMES[1])
    for at_once in AT_ONCE:
        yield Settings(cores, FAR, cores, at_once)


def _database(home: Path, films: int, *, url: str | None = None, beside: tuple[int, ...] = ()) -> Database:
    """Filled and published below `home`, or as it was before."""
    rows = home / "rows.json"
    env = contenders.environment_of(home, url)
    if not rows.exists():
        home.mkdir()
        place.say(f"Filling {home.name} with {films:,} films")
        contenders.fill(home, films=films, rows=rows, database_url=url)
        publish(env)
    asked = [one for one in endpoints(json.loads(rows.read_text())) if one.name in ASKED]
    return Database(env, asked, beside)


def _measured(tried: Settings, database: Database, folder: Path, seconds: float) -> Mapping[str, Measurement]:
    for counters in Path(database.env["MATINEE_DATA_DIR"]).glob("limits.sqlite3*"):
        counters.unlink()  # each worker takes a tenth of a minute's requests with it, and soon there would be none left
    env = database.env | {"MATINEE_REQUESTS_AT_ONCE": str(tried.at_once)}
    contender = contenders.matinee(
        env, name="Matinee", beside=database.beside, workers=tried.workers, runtime=tried.runtime
    )
    server = contender.start(folder)
    try:
        return {one.name: measure(server, Load(one), seconds=seconds) for one in database.asked}
    finally:
        server.stop()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.settings", description=__doc__)
    parser.add_argument("--films", type=at_least(FEWEST_FILMS), default=10_000)
    parser.add_argument("--cores", type=at_least(1), nargs="+", default=[1, 2], metavar="NUMBER")
    parser.add_argument("--rounds", type=at_least(1), default=2)
    parser.add_argument("--seconds", type=above_zero, default=1.0, help="of each measurement")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
