"""What the stand-in has: real answers of TMDb's, again under other ids where more are wanted."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from typing import Any

from benchmarks.paths import SHARED
from matinee.tmdb.stand_in.films import Payload


def real_films() -> Iterator[Payload]:
    """Without an end."""
    real = list(_lines("tmdb-movies-2000-2012.jsonl.gz"))
    parts = [
        {name: film[name] for name in ("credits", "keywords")} for film in _lines("tmdb-5000-with-credits.jsonl.gz")
    ]
    for turn in itertools.count():
        for place, film in enumerate(real):
            yield {**film, **parts[(place + turn) % len(parts)], "id": film["id"] + turn * 10_000_000}


def _lines(name: str) -> Iterator[Any]:
    with gzip.open(SHARED / name) as file:
        yield from map(json.loads, file)
