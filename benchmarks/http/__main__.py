"""`python -m benchmarks.http`: this API beside what people would build, interleaved."""  # noqa: A005 - see __init__

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.arguments import above_zero, at_least, word_of
from benchmarks.http import contenders, place
from benchmarks.http.agreement import hold_to_the_same
from benchmarks.http.building import publish
from benchmarks.http.client import Request
from benchmarks.http.contenders import Contender
from benchmarks.http.endpoints import FEWEST_FILMS, MOVIES, Endpoint, endpoints, names
from benchmarks.http.measuring import CONNECTIONS, Load, interleaved
from benchmarks.http.publishing import publish as publish_result
from benchmarks.http.report import Result, markdown, summary
from benchmarks.http.servers import Server
from benchmarks.paths import RESULTS

MOST_PAGED = 10_000
"""Films that a list of 20 a page counts, as the contract has it: 500 pages."""
MANY_CONNECTIONS = 256


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    cores = place.pinned()
    with place.scratch() as (folder, stack):
        rows, also_rows = folder / "rows.json", folder / "rows-of-postgresql.json"
        place.say(f"Filling the databases with {options.films:,} films")
        env = contenders.fill(folder, films=options.films, rows=rows)
        postgresql = stack.enter_context(place.postgresql(folder / "postgresql"))
        url = postgresql.get_uri()
        also_env = contenders.fill(folder / "on-postgresql", films=options.films, rows=also_rows, database_url=url)
        for filled in (env, also_env):
            publish(filled)
        place.say("Training the models")
        trained_on = contenders.learn(env, options.community)
        contenders.learn(also_env, options.community)
        ours = contenders.matinee(env)
        matinee = place.started(ours, folder, stack)
        others = [
            contenders.drf(folder, rows),
            contenders.fastapi(folder, rows),
            contenders.matinee(also_env, name="Matinee, PostgreSQL", beside=[postgresql.get_pid()]),
            contenders.floor(folder, _a_list(matinee)),
        ]
        running = {ours: matinee, **{other: place.started(other, folder, stack) for other in others}}
        asked = endpoints(json.loads(rows.read_text()))
        equal = sum(_equal_answers(asked, matinee, other, running[other], films=options.films) for other in others)
        place.say(f"{equal:,} answers of the others are equal to Matinee's")
        started = _memory_bytes(running)
        rounds = interleaved(running, _loads(asked, only=options.only), rounds=options.rounds, seconds=options.seconds)
        ended = _memory_bytes(running)
        about = _about(options, arguments, cores=cores, trained_on=trained_on, equal=equal, among=list(running))
        result = Result(
            about={**about, "Durability": f"{contenders.durability(env)} {contenders.durability(also_env)}"},
            servers=[*started],
            rounds=rounds,
            memory_bytes={name: {"started": started[name], "ended": ended[name]} for name in started},
        )
    text = markdown(result)
    publish_result("http", {**asdict(result), "summary": summary(result)}, text, out=options.out)
    print(text)


def _equal_answers(asked: Sequence[Endpoint], matinee: Server, other: Contender, server: Server, *, films: int) -> int:
    """How many answers of the other are Matinee's; one that is not ends the measurement."""
    if other.is_floor:
        return 0
    both = [one for one in asked if other.answers(one) and not one.ours_alone]
    return hold_to_the_same(matinee, server, both, whole=films <= MOST_PAGED)


def _loads(asked: Sequence[Endpoint], *, only: str) -> list[Load]:
    """Each request whose name has that word, and the first of them by many connections, too."""
    measured = [one for one in asked if only in one.name]
    many = [replace(one, name=f"{one.name}, {MANY_CONNECTIONS} connections") for one in measured[:1]]
    return [*map(Load, measured), *(Load(one, MANY_CONNECTIONS) for one in many)]


def _memory_bytes(running: Mapping[Contender, Server]) -> dict[str, int]:
    return {contender.name: server.memory_bytes() for contender, server in running.items()}


def _a_list(matinee: Server) -> bytes:
    page = matinee.ask(Request("GET", MOVIES), signed_in=True).body
    return json.dumps(page, separators=(",", ":"), ensure_ascii=False).encode()


def _about(
    options: argparse.Namespace,
    arguments: Sequence[str],
    *,
    cores: int,
    trained_on: str,
    equal: int,
    among: Sequence[Contender],
) -> dict[str, str]:
    return {
        **place.about("benchmarks.http", arguments, cores=cores),
        "Data": f"{options.films:,} films, the same rows for all, in SQLite (WAL, synchronous=FULL) but where another "
        f"database is named; {equal:,} answers compared beforehand, all equal",
        "Load": f"{options.rounds} interleaved rounds of {options.seconds:g} s, {CONNECTIONS} connections kept open "
        f"but where another number is named, {contenders.WORKERS} workers",
        "Model": f"trained on {trained_on}",
        **{contender.name: contender.about for contender in among},
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--films", type=at_least(FEWEST_FILMS), default=10_000)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--seconds", type=above_zero, default=5.0, help="of each measurement")
    parser.add_argument("--community", default="100k", help="the MovieLens set that the model learns from")
    parser.add_argument("--only", type=word_of(names()), default="", metavar="WORD", help="only requests so named")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
