"""The catalogue as rows that two runs can be compared by."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from matinee.catalog.film_lists import LISTS
from matinee.catalog.models import Genre, Movie
from matinee.tmdb.client import Client
from matinee.tmdb.connection import MirrorScope
from matinee.tmdb.models import WantedFilm
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.storing import Stored
from matinee.tmdb.sync import synchronise

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
EVERYTHING = MirrorScope(films=10_000, adult=True, video=True)
FAMILY = MirrorScope(films=10_000, adult=False, video=False)


@dataclass
class Clock:
    now: dt.datetime = NOON

    def __call__(self) -> dt.datetime:
        return self.now


def mirrored(client: Client, clock: Clock, **more: Any) -> Stored:
    return synchronise(client, clock=clock, **{"scope": FAMILY, "patience": dt.timedelta(0), **more})


def end_state() -> dict[str, Any]:
    """All that a run leaves, without our rows' ids and the instants."""
    ours = ("id", "created_at", "updated_at")
    films = [{k: v for k, v in row.items() if k not in ours} for row in Movie.objects.order_by("tmdb_id").values()]
    pks = dict(Movie.objects.values_list("pk", "tmdb_id"))
    lists = {name: {pks[pk]: entries for pk, entries in kind.read(list(pks)).items()} for name, kind in LISTS.items()}
    left = list(WantedFilm.objects.values_list("tmdb_id", flat=True))
    return {"films": films, **lists, "genres": list(Genre.objects.values_list("id", "name")), "left": left}


def titles() -> dict[int, str]:
    return dict(Movie.objects.values_list("tmdb_id", "title"))


def asked_films(stand_in: StandIn) -> list[int]:
    numbers = [one.path.rpartition("/")[2] for one in stand_in.asked_for("/3/movie/")]
    return [int(number) for number in numbers if number.isdigit()]
