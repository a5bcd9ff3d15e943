"""What the index costs by its number of films; imported once Django is set up."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psutil

from benchmarks.made_up import made_up
from benchmarks.search.films import load
from benchmarks.search.known_items import known_items
from benchmarks.search.systems import Matinee, MatineeSuggest
from matinee.catalog.filters import MovieFilter
from matinee.catalog.models import Movie
from matinee.search.documents import FIELDS, document_of
from matinee.search.finding import search
from matinee.search.index import publish_index, search_index

ASKED = 2_000
MIB = 2**20
BROAD = ("the", "a", "love", "man")
"""Asked with a filter, for which every match is read."""


def measured(folder: Path, films: int) -> dict[str, Any]:
    print(f"{films:,} films", file=sys.stderr, flush=True)
    there = load(folder)
    rows = list(Movie.objects.order_by("-vote_count", "tmdb_id").values(*FIELDS))
    started = time.process_time()
    publish_index(map(document_of, itertools.islice(_films(rows), films)))
    build = time.process_time() - started
    before = psutil.Process().memory_info().rss
    searching = search_index()
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


def _films(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The real films, and then variants of them without end."""
    yield from rows
    for place, variant in enumerate(made_up(rows, Random(1))):
        yield {**rows[place % len(rows)], **variant}


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
