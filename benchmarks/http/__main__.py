"""`python -m benchmarks.http`: this API beside Django REST framework, interleaved."""  # noqa: A005 - see __init__

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import platform
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from benchmarks.http import servers
from benchmarks.http.agreement import hold_both_to_the_same
from benchmarks.http.endpoints import Endpoint, endpoints
from benchmarks.http.measuring import Measurement, measure
from benchmarks.http.report import Result, markdown, summary
from benchmarks.venvs import BENCHMARKS

RESULTS = BENCHMARKS / "results"
WORK = BENCHMARKS / ".work"
CORES = 2
MOST_PAGED = 10_000
"""Films that a list of 20 a page counts, as the contract has it: 500 pages."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)  # children inherit it: servers and load generator share these cores
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name, ExitStack() as stack:
        folder = Path(name)
        rows = folder / "rows.json"
        _say(f"Filling both databases with {options.films:,} films")
        matinee_env = servers.prepare_matinee(folder, options.films, rows)
        peer_env = servers.prepare_peer(folder, rows)
        _say("Training a model")
        trained_on = servers.learn(matinee_env, options.community)
        matinee = servers.start_matinee(matinee_env, folder / "matinee.log")
        stack.callback(matinee.stop)
        peer = servers.start_peer(peer_env, folder / "drf.log")
        stack.callback(peer.stop)
        asked = endpoints(json.loads(rows.read_text()))
        equal = hold_both_to_the_same(matinee, peer, asked, whole=options.films <= MOST_PAGED)
        _say(f"{equal:,} answers of both servers are equal")
        result = Result(
            about=_about(options, arguments, cores=len(cores), trained_on=trained_on, equal=equal),
            servers=[matinee.name, peer.name],
            **_measured(matinee, peer, [one for one in asked if not options.only or options.only in one.name], options),
        )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "http.md").write_text(markdown(result))
    (options.out / "http.json").write_text(json.dumps({**asdict(result), "summary": summary(result)}, indent=1) + "\n")
    print(markdown(result))


def _measured(
    matinee: servers.Server, peer: servers.Server, asked: Sequence[Endpoint], options: argparse.Namespace
) -> dict[str, Any]:
    """All rounds, endpoint by endpoint, the two servers one after the other, each first in every other round."""
    both = [matinee, peer]
    started = {server.name: server.memory_bytes() for server in both}
    rounds: dict[str, dict[str, list[Measurement]]] = {}
    for number in range(options.rounds):
        for endpoint in asked:
            for server in both if number % 2 == 0 else both[::-1]:
                if endpoint.ours_alone and server is not matinee:
                    continue
                one = measure(server, endpoint, connections=options.connections, seconds=options.seconds)
                rounds.setdefault(endpoint.name, {}).setdefault(server.name, []).append(one)
                _say(
                    f"round {number + 1}  {endpoint.name:26} {server.name:22} {one.cpu_ms:6.2f} ms CPU  "
                    f"{one.requests_per_second:7.0f}/s  p50 {one.p50_ms:6.1f}  p99 {one.p99_ms:6.1f}"
                )
    memory = {server.name: {"started": started[server.name], "ended": server.memory_bytes()} for server in both}
    ordered = {
        name: {s.name: by_server[s.name] for s in both if s.name in by_server} for name, by_server in rounds.items()
    }
    return {"rounds": ordered, "memory_bytes": memory}


def _about(
    options: argparse.Namespace, arguments: Sequence[str], *, cores: int, trained_on: str, equal: int
) -> dict[str, str]:
    def versions(names: Sequence[str]) -> str:
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)

    peer = ", ".join(f"{name} {version}" for name, version in servers.peer_versions().items())
    memory = psutil.virtual_memory().total / 2**30
    return {
        "Command": f"`{shlex.join(['python', '-m', 'benchmarks.http', *arguments])}`",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{cores} cores, {memory:.0f} GiB, {platform.system()}, CPython {platform.python_version()}",
        "Data": f"{options.films:,} films in SQLite (WAL, synchronous=FULL), the same rows for both; "
        f"{equal:,} answers compared beforehand, all equal",
        "Load": f"{options.rounds} interleaved rounds of {options.seconds:g} s, {options.connections} connections kept "
        f"open, {servers.WORKERS} workers",
        "Matinee": versions(["matinee", "django", "django-ninja", "granian"]) + "; one thread a worker",
        "Peer": f"{peer}; {servers.PEER_THREADS} threads a worker",
        "Model": f"trained on {trained_on}",
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--community", default="100k", help="the MovieLens set that the model learns from")
    parser.add_argument("--only", default="", metavar="WORD", help="only the requests whose name has this word")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
