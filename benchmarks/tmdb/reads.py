"""`python -m benchmarks.tmdb.reads`: what reads take while TMDb is well, slow, away or mad, and is asked all the time.

The whole tree of `matinee serve` on SQLite, with a first fill under way from the stand-in, while two people open films
that the catalogue lacks. One round measures every endpoint under every fault, in an order by lot.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import itertools
import json
import os
import platform
import random
import shlex
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.arguments import above_zero, at_least
from benchmarks.http.client import HOST, Request
from benchmarks.http.contenders import WORKERS, fill
from benchmarks.http.endpoints import DETAILS, MOVIES, PAGES, PAGES_OF_RECOMMENDATIONS, Endpoint, pages
from benchmarks.http.measuring import Load, measure
from benchmarks.http.servers import Server, free_port
from benchmarks.paths import RESULTS, ROOT
from benchmarks.tmdb.films import real_films
from matinee.tmdb.connection import PACE_FILE
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn

WELL, AGAIN = "well", "well, a second time"
FAULTS: Mapping[str, Fault | None] = {
    WELL: None,
    AGAIN: None,
    "slow (30 s)": Fault("slow", seconds=30),
    "connections reset": Fault("reset"),
    "500": Fault("500"),
    "429": Fault("429", retry_after="30"),
    "half an answer": Fault("half"),
    "HTML": Fault("html"),
    "wrong types": Fault("wrong-types"),
    "huge": Fault("huge"),
}
FILMS_OF_OURS, FILMS_OF_TMDB = 4_803, 50_000
CONNECTIONS = 2
ASKERS = 2
FIRST_UNKNOWN = 900_000_000
SETTLES_FOR = 1.0


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="matinee-reads-") as name:
        folder = Path(name)
        env = fill(folder, films=FILMS_OF_OURS, rows=folder / "rows.json")
        rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        films = Films(itertools.islice(real_films(), FILMS_OF_TMDB))
        with StandIn(films).running() as stand_in, _served(folder, env, stand_in.url) as server:
            found = _measured(server, stand_in, Path(env["MATINEE_DATA_DIR"]), _endpoints(rows), options)
            asked = len(stand_in.asked)
    record = {
        "about": {
            "Command": shlex.join(["python", "-m", "benchmarks.tmdb.reads", *arguments]),
            "Date": dt.datetime.now(dt.UTC).date().isoformat(),
            "Machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite",
            "Load": f"{options.rounds} rounds of {options.seconds:g} s, {CONNECTIONS} connections, {WORKERS} workers",
        },
        "requests to TMDb": asked,
        "reads": found,
    }
    results = options.out or RESULTS
    results.mkdir(parents=True, exist_ok=True)
    (results / "tmdb-reads.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (results / "tmdb-reads.md").write_text(markdown(record), encoding="utf-8")
    print(markdown(record))


@contextlib.contextmanager
def _served(folder: Path, env: Mapping[str, str], stand_in: str) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-P", "-m", "matinee.cli", "serve", "--host", HOST, "--port", str(port)]
    command += ["--workers", str(WORKERS)]
    serving = {**env, "MATINEE_TMDB_STAND_IN": stand_in, "MATINEE_TMDB_FILMS": str(FILMS_OF_TMDB)}
    server = Server("Matinee", command, port=port, folder=ROOT, env=serving, log=folder / "serve.log")
    try:
        yield server
    finally:
        server.stop()


def _endpoints(rows: Mapping[str, list[dict[str, Any]]]) -> list[Endpoint]:
    films = sorted(rows["films"], key=lambda film: (-(film["popularity"] or 0), film["tmdb_id"]))[:DETAILS]
    words = [film["title"].split()[0].lower() for film in films]
    searches = [f"{MOVIES}search/?q={word}" for word in words if word.isascii() and word.isalpha()]
    return [
        Endpoint("list", pages(MOVIES, PAGES)),
        Endpoint("detail", [Request("GET", f"{MOVIES}{film['tmdb_id']}/") for film in films]),
        Endpoint("search", [Request("GET", path) for path in searches]),
        Endpoint("recommendations", pages(f"{MOVIES}recommendations/", PAGES_OF_RECOMMENDATIONS)),
    ]


def _measured(
    server: Server, stand_in: StandIn, data: Path, endpoints: Sequence[Endpoint], options: argparse.Namespace
) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Fault to endpoint to what each round took."""
    chance = random.Random(0)
    faults = [WELL, AGAIN, *options.only] if options.only else [*FAULTS]
    found: dict[str, dict[str, list[dict[str, float]]]] = {
        fault: {endpoint.name: [] for endpoint in endpoints} for fault in faults
    }
    unknown = itertools.count(FIRST_UNKNOWN)
    with _asking(server, unknown):
        for number in range(options.rounds):
            print(f"Round {number + 1}", file=sys.stderr, flush=True)
            for name in chance.sample(faults, len(faults)):
                stand_in.faults.clear()
                if (fault := FAULTS[name]) is not None:
                    stand_in.faults.put(fault)
                (data / PACE_FILE).unlink(missing_ok=True)  # or the last fault's rest would spare us this one
                time.sleep(SETTLES_FOR)
                for endpoint in endpoints:
                    took = measure(server, Load(endpoint, CONNECTIONS), seconds=options.seconds)
                    found[name][endpoint.name].append(
                        {"p50_ms": took.p50_ms, "p99_ms": took.p99_ms, "requests": took.requests}
                    )
    return found


@contextlib.contextmanager
def _asking(server: Server, unknown: Iterator[int]) -> Iterator[None]:
    """People who open one film after the other that neither the catalogue nor TMDb has."""
    has_ended = threading.Event()

    def ask() -> None:
        while not has_ended.wait(0.1):
            with contextlib.suppress(OSError):
                server.ask(Request("GET", f"{MOVIES}{next(unknown)}/"), signed_in=True)

    askers = [threading.Thread(target=ask, daemon=True) for _ in range(ASKERS)]
    for asker in askers:
        asker.start()
    try:
        yield
    finally:
        has_ended.set()
        for asker in askers:
            asker.join()


def markdown(record: Mapping[str, Any]) -> str:
    about = "; ".join(record["about"].values())
    return "\n".join(["# Reads beside a TMDb that is well or not", "", about, "", table(record), ""])


def table(record: Mapping[str, Any]) -> str:
    """Medians over rounds: p50 and p99 in ms, and p99 beside that of the same round while TMDb was well."""
    reads = record["reads"]
    endpoints = list(reads[WELL])
    lines = [f"| TMDb is | {' | '.join(endpoints)} |", f"|---|{'---|' * len(endpoints)}"]
    for fault, by_endpoint in reads.items():
        cells = [_cell(by_endpoint[name], reads[WELL][name], is_well=fault == WELL) for name in endpoints]
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(rounds: Sequence[Mapping[str, float]], well: Sequence[Mapping[str, float]], *, is_well: bool) -> str:
    p50, p99 = (statistics.median(each[name] for each in rounds) for name in ("p50_ms", "p99_ms"))
    ratio = statistics.median(each["p99_ms"] / before["p99_ms"] for each, before in zip(rounds, well, strict=True))
    return f"{p50:.1f} · {p99:.1f}" + ("" if is_well else f" ({ratio - 1:+.0%})")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tmdb.reads", description=__doc__)
    parser.add_argument("--rounds", type=at_least(1), default=5)
    parser.add_argument("--seconds", type=above_zero, default=3.0, help="of each endpoint under each fault")
    parser.add_argument("--only", nargs="+", choices=list(FAULTS)[2:], help="these, beside a TMDb that is well")
    parser.add_argument("--out", type=Path, help="write there, and leave results/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
