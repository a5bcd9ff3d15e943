"""`python -m benchmarks.search.speed --films 10000 100000 1000000`: how cost grows with the films, in one process.

Beyond the real ones the films are made up: real films with one word of their title changed for another title's. They
stand in the index alone, not in a database, so that a question's cost is that of the text search.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psutil

from benchmarks.search.setup import ROOT, instance, shared

RESULTS = ROOT / "benchmarks" / "results"
FIRST_MADE_UP = 1_000_000_000
ASKED = 2_000
MIB = 2**20
BROAD = ("the", "a", "love", "man")
"""Asked with a filter, for which every match is read."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    folder = shared()
    with instance():
        record = {"about": _about(), "sizes": [measured(folder, films) for films in options.films]}
    plain = json.loads(json.dumps(record))
    results = options.out or RESULTS
    results.mkdir(parents=True, exist_ok=True)
    (results / "search-speed.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (results / "search-speed.md").write_text(markdown(plain), encoding="utf-8")
    print(markdown(plain))


def measured(folder: Path, films: int) -> dict[str, Any]:
    from django.conf import settings  # noqa: PLC0415 - as above

    from benchmarks.search import films as real_films  # noqa: PLC0415 - Django is up now
    from benchmarks.search.known_items import known_items  # noqa: PLC0415 - as above
    from benchmarks.search.systems import Matinee, MatineeSuggest  # noqa: PLC0415 - as above
    from matinee.catalog.filters import MovieFilter  # noqa: PLC0415 - as above
    from matinee.catalog.models import Movie  # noqa: PLC0415 - as above
    from matinee.core.artifacts import ArtifactStore  # noqa: PLC0415 - as above
    from matinee.search import index  # noqa: PLC0415 - as above
    from matinee.search.documents import FIELDS, LAYOUT, document_of  # noqa: PLC0415 - as above
    from matinee.search.finding import search  # noqa: PLC0415 - as above

    print(f"{films:,} films", file=sys.stderr, flush=True)
    there = real_films.load(folder)
    rows = list(Movie.objects.order_by("-vote_count", "tmdb_id").values(*FIELDS))
    store = ArtifactStore(settings.ARTIFACTS_DIR, index.KIND)
    started = time.process_time()
    documents = map(document_of, itertools.islice(made_up(rows, Random(1)), films))
    store.publish_files(lambda empty: index.write_index(empty, documents), {"layout": LAYOUT})
    build = time.process_time() - started
    before = psutil.Process().memory_info().rss
    index._here(settings.ARTIFACTS_DIR).latest.forget()  # noqa: SLF001 - to see the version at once
    searching = index.search_index()
    assert searching is not None
    assert searching.films == films
    items = known_items(there, each=ASKED // 10, seed=1)
    questions = [item.text for item in Random(2).sample(items, len(items))][:ASKED]
    typed = [question[:length] for question in questions for length in (1, 2, 3, 5, 8, 13)][:ASKED]
    return {
        "films": films,
        "index_mib": sum(file.stat().st_size for file in searching.files) / MIB,
        "build_cpu_seconds": build,
        "search": _milliseconds(Matinee().ask, questions),
        "suggest": _milliseconds(MatineeSuggest().ask, typed),
        "broad_ms": _milliseconds(
            lambda text: search(text=text, movie_filter=MovieFilter(vote_count_from=1), sort=None, first=20), BROAD
        )["most"],
        "resident_mib": (psutil.Process().memory_info().rss - before) / MIB,
    }


def made_up(rows: Sequence[Mapping[str, Any]], random: Random) -> Iterator[Mapping[str, Any]]:
    """The real films, and then variants of them without end."""
    yield from rows
    words = [word for row in rows for word in row["title"].split()]
    for number in itertools.count(FIRST_MADE_UP):
        row = random.choice(rows)
        title = row["title"].split()
        title[random.randrange(len(title))] = random.choice(words)
        shared_fact = random.random()
        yield {
            **row,
            "tmdb_id": number,
            "imdb_id": None,
            "title": " ".join([*title, random.choice(words)] if len(title) < 2 else title),
            "original_title": None,
            "popularity": (row["popularity"] or 0) * shared_fact,
            "vote_count": int((row["vote_count"] or 0) * shared_fact),
        }


def _milliseconds(ask: Callable[[str], Any], questions: Sequence[str]) -> dict[str, float]:
    for question in questions[:50]:
        ask(question)
    times = []
    for question in questions:
        started = time.process_time()
        ask(question)
        times.append((time.process_time() - started) * 1_000)
    times.sort()
    return {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100], "most": times[-1]}


def markdown(record: Mapping[str, Any]) -> str:
    about = [f"- {name}: {value}" for name, value in record["about"].items()]
    return "\n".join(["# How search grows", "", *about, "", table(record), ""])


def table(record: Mapping[str, Any]) -> str:
    """By number of films: CPU milliseconds of one core, room and memory."""
    lines = [
        "| films | search p50 | p99 | most | suggest p50 | p99 | most | filtered | index MiB | memory MiB | build, s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for size in record["sizes"]:
        times = [f"{size[kind][name]:.2f}" for kind in ("search", "suggest") for name in ("p50", "p99", "most")]
        rest = [f"{size[name]:.0f}" for name in ("broad_ms", "index_mib", "resident_mib", "build_cpu_seconds")]
        lines.append(f"| {size['films']:,} | " + " | ".join([*times, *rest]) + " |")
    return "\n".join(lines)


def _about() -> dict[str, str]:
    return {
        "Made by": "python -m benchmarks.search.speed",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{platform.machine()}, Python {platform.python_version()}, with other work on its cores",
        "Films": "real ones first, then made up: real films with one word of the title changed",
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search.speed", description=__doc__)
    parser.add_argument("--films", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--out", type=Path, help="write there, and leave results/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
