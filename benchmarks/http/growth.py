"""`python -m benchmarks.http.growth`: what the same requests cost with a hundred times as many films, interleaved."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.arguments import above_zero, at_least
from benchmarks.http import contenders, place
from benchmarks.http.building import Build, publish, publish_again
from benchmarks.http.client import Request
from benchmarks.http.endpoints import FEWEST_FILMS, MOVIES, Endpoint, endpoints, pages
from benchmarks.http.growth_report import markdown
from benchmarks.http.measuring import CONNECTIONS, Load, interleaved
from benchmarks.http.publishing import publish as publish_result
from benchmarks.http.report import Result, summary
from benchmarks.paths import RESULTS

ASKED = frozenset({"list, signed in", "filtered list, signed in", "detail, signed in", "recommendations", "rate"})
ARTIFACTS = Path("matinee/artifacts")
TOLD = 2_000
"""So many films are known to who asks: the most popular ones."""
FRESH = 600
"""Requests in each measurement that nobody has made before."""
WARMING = 20
"""Requests on connections of their own before anything is measured, so that every worker has had one."""
DEEP = range(480, 501)
GENRES = (12, 14, 16, 18, 27, 28, 35, 36, 53, 80, 99, 878, 9648, 10402, 10749, 10751, 10752)
KEYWORDS = (818, 4565, 9672, 9715, 9748, 10183, 10683)
"""Based on a novel, dystopia, based on a true story, superhero, revenge, independent film, coming of age."""
PEOPLE = (31, 192, 287, 500, 2888)
"""Tom Hanks, Morgan Freeman, Brad Pitt, Tom Cruise, Will Smith."""
SORTS = ("popularity.desc", "vote_average.desc", "primary_release_date.desc", "title.asc", "revenue.desc")


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    cores = place.pinned()
    with place.scratch() as (folder, stack):
        home, smallest = options.keep or folder, min(options.films)
        instances = {
            f"{films:,} films": instance(home / str(films), films, options, model_of=home / str(smallest))
            for films in sorted(options.films)
        }
        ours = {contenders.matinee(one.env, name=name): one for name, one in instances.items()}
        running = {contender: place.started(contender, folder, stack) for contender in ours}
        for server in running.values():
            for _ in range(WARMING):
                server.ask(Request("GET", f"{MOVIES}recommendations/"), signed_in=True)
        loads = loads_of(instances[next(iter(instances))].rows)  # its films are in all, with the same ids
        started = {contender.name: server.own_bytes() for contender, server in running.items()}
        rounds = interleaved(running, loads, rounds=options.rounds, seconds=options.seconds)
        result = Result(
            about={
                **place.about("benchmarks.http.growth", arguments, cores=cores),
                "Data": "the packaged real films, then made-up ones: variants of them with their lists, labelled in "
                "their taglines; SQLite",
                "Load": f"{options.rounds} interleaved rounds of {options.seconds:g} s, {CONNECTIONS} connections kept "
                f"open, {contenders.WORKERS} workers; details and ratings of films that are in all",
                "Model": f"one for all, trained over {smallest:,} films on {next(iter(instances.values())).trained_on}",
                "Matinee": next(iter(running)).about,
            },
            servers=[contender.name for contender in running],
            rounds=rounds,
            memory_bytes={
                contender.name: {"started": started[contender.name], "ended": server.own_bytes()}
                for contender, server in running.items()
            },
        )
    builds = {name: _plain(one.builds) for name, one in instances.items()}
    record = {**asdict(result), "builds": builds, "summary": summary(result)}
    text = markdown(record)
    publish_result("http-growth", record, text, out=options.out)
    print(text)


@dataclass(frozen=True)
class Instance:
    """A catalogue that is filled and published, with a model."""

    env: dict[str, str]
    rows: dict[str, list[dict[str, Any]]]
    builds: dict[str, Build]
    trained_on: str


def instance(home: Path, films: int, options: argparse.Namespace, *, model_of: Path) -> Instance:
    """Made below `home`, or what was made there before; the model is that of `model_of`, where it is not here."""
    rows, made = home / "rows.json", home / "made.json"
    if not made.exists():
        home.mkdir(parents=True)
        place.say(f"{films:,} films: filling the database")
        env = contenders.fill(home, films=films, rows=rows, told=TOLD)
        builds = publish(env)
        trained_on = contenders.learn(env, options.community) if home == model_of else _copied_model(model_of, home)
        made.write_text(json.dumps({"builds": _plain(builds), "trained_on": trained_on}))
    elif options.publish:
        place.say(f"{films:,} films: publishing them again")
        builds = publish_again(contenders.environment_of(home))
        made.write_text(json.dumps({**json.loads(made.read_text()), "builds": _plain(builds)}))
    told = json.loads(made.read_text())
    builds = {name: Build(**one) for name, one in told["builds"].items()}
    return Instance(contenders.environment_of(home), json.loads(rows.read_text()), builds, told["trained_on"])


def _copied_model(model_of: Path, home: Path) -> str:
    for model in (model_of / ARTIFACTS).glob("model-*"):
        shutil.copytree(model, home / ARTIFACTS / model.name)
    return str(json.loads((model_of / "made.json").read_text())["trained_on"])


def loads_of(rows: Mapping[str, list[dict[str, Any]]]) -> list[Load]:
    loads = [Load(one) for one in endpoints(rows) if one.name in ASKED]
    deep = [request for request in pages(f"{MOVIES}?sort_by=title.asc", DEEP.stop - 1) if _page_of(request) in DEEP]
    return [
        *loads,
        Load(Endpoint("list by title, its last pages", deep)),
        Load(Endpoint("filtered list, each filter new", ()), fresh=lambda number: new_filters(number, MOVIES)),
        Load(Endpoint("list of a keyword or person, new", ()), fresh=new_terms),
        Load(
            Endpoint("recommendations, each filter new", ()),
            fresh=lambda number: new_filters(number, f"{MOVIES}recommendations/"),
        ),
    ]


def new_filters(number: int, path: str) -> list[Request]:
    """Lists that nobody has asked for: other ones for each `number`."""
    chance = random.Random(f"{number} {path}")
    requests = []
    for _ in range(FRESH):
        first = dt.date(1950, 1, 1) + dt.timedelta(days=chance.randrange(25_000))
        asked = f"with_genres={chance.choice(GENRES)}&primary_release_date.gte={first}"
        asked += f"&vote_count.gte={chance.randrange(1_000)}&sort_by={chance.choice(SORTS)}"
        requests.append(Request("GET", f"{path}?{asked}"))
    return requests


def new_terms(number: int) -> list[Request]:
    """The same with a keyword or a person, whose films are found by the postings."""
    chance = random.Random(number)
    terms = [
        f"with_keywords={chance.choice(KEYWORDS)}" if chance.random() < 0.5 else f"with_cast={chance.choice(PEOPLE)}"
        for _ in range(FRESH)
    ]
    return [
        Request("GET", f"{request.path}&{term}")
        for request, term in zip(new_filters(number, f"{MOVIES}"), terms, strict=True)
    ]


def _page_of(request: Request) -> int:
    return int(request.path.rpartition("=")[2])


def _plain(made: Mapping[str, Build]) -> dict[str, Any]:
    return {name: asdict(one) for name, one in made.items()}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.growth", description=__doc__)
    parser.add_argument(
        "--films", type=at_least(FEWEST_FILMS), nargs="+", default=[10_000, 1_000_000], metavar="NUMBER"
    )
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--seconds", type=above_zero, default=2.0, help="of each measurement")
    parser.add_argument("--community", default="100k", help="the MovieLens set that the models learn from")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="set up here, or use what was set up before")
    parser.add_argument("--publish", action="store_true", help="what was set up before anew, to measure it again")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
