"""Films that do not exist, made of real ones: as many as a benchmark wants, the same each time."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

FIRST_MADE_UP = 1_000_000_000
"""The TMDb id of the first of them; real ones are lower."""
LABEL = "Made up for a benchmark: there is no such film."
"""Their tagline."""
NUMBERS = ("popularity", "vote_count", "revenue", "budget")
DAYS = 1_500


def made_up(real: Sequence[Mapping[str, Any]], chance: Random) -> Iterator[dict[str, Any]]:
    """Variants of the `real` films, of each in turn, without end: what differs from the film that it is made of.

    One word of the title is another film's, numbers are lower, the day of release is another.
    """
    words = [word for film in real for word in film["title"].split()]
    for number in itertools.count():
        film = real[number % len(real)]
        title = film["title"].split()
        title[chance.randrange(len(title))] = chance.choice(words)
        share = chance.uniform(0.3, 0.95)
        lower = {name: type(film[name])(film[name] * share) for name in NUMBERS if film.get(name) is not None}
        day = film.get("release_date")
        yield lower | {
            "tmdb_id": FIRST_MADE_UP + number,
            "imdb_id": None,
            "title": " ".join([*title, chance.choice(words)] if len(title) < 2 else title),
            "original_title": None,
            "tagline": LABEL,
            "release_date": day and day + dt.timedelta(days=chance.randrange(-DAYS, DAYS)),
        }
