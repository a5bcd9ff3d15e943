"""Films that do not exist, for benchmarks."""

from __future__ import annotations

import datetime as dt
import itertools
from random import Random
from typing import Any

from benchmarks.made_up import FIRST_MADE_UP, LABEL, made_up

REAL: list[dict[str, Any]] = [
    {"title": "Heat", "release_date": dt.date(1995, 12, 15), "popularity": 40.0, "vote_count": 7_000, "revenue": None},
    {
        "title": "The Thin Red Line",
        "release_date": None,
        "popularity": 20.0,
        "vote_count": 3_000,
        "revenue": 98_000_000,
    },
]


def test_made_up_films_are_variants_of_each_real_one_in_turn_and_say_that_they_are_made_up() -> None:
    heat, line, _ = itertools.islice(made_up(REAL, Random(1)), 3)

    assert (heat["tmdb_id"], line["tmdb_id"]) == (FIRST_MADE_UP, FIRST_MADE_UP + 1)
    assert heat["tagline"] == line["tagline"] == LABEL
    assert len(line["title"].split()) == 4
    assert line["title"] != "The Thin Red Line" or heat["title"] != "Heat"
    assert heat["vote_count"] < 7_000
    assert heat["release_date"] != dt.date(1995, 12, 15)
    assert "revenue" not in heat
    assert line["release_date"] is None


def test_the_same_chance_makes_the_same_films() -> None:
    one, other = (list(itertools.islice(made_up(REAL, Random(7)), 50)) for _ in range(2))

    assert one == other
