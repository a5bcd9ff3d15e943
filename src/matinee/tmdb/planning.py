"""What is to be asked for: a first fill from TMDb's list of all ids, then what changed each day, and what is popular.

Each step asks TMDb first and then puts what it learnt on the worklist and its own mark forward, in one transaction.
"""

from __future__ import annotations

import datetime as dt
import logging
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import get_args

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from matinee.catalog.encoding import IMAGES
from matinee.catalog.models import Genre
from matinee.tmdb import lease, worklist
from matinee.tmdb.client import Client, ListName
from matinee.tmdb.connection import MirrorScope
from matinee.tmdb.failures import Gone, Unanswered
from matinee.tmdb.lease import Lease
from matinee.tmdb.models import Lookup, QuarantinedFilm, SyncStep, WantedFilm
from matinee.tmdb.storing import films_known

logger = logging.getLogger(__name__)

FILL, CHANGES, GENRES, LISTS, RUN = "fill", "changes", "genres", "lists", "run"
GENRES_EVERY = dt.timedelta(days=7)
LISTS_EVERY = dt.timedelta(days=1)
LIST_PAGES = 5
MOST_PAGES = 500
"""TMDb's own bound."""
CHANGES_ARE_KEPT_FOR = dt.timedelta(days=14)
LISTS_OF_IDS_ARE_TRIED = 3
"""Days back: the newest one is written in the morning."""
DAY_SETTLES_FOR = dt.timedelta(hours=1)
"""After the end of a day, before its changes are asked for."""

Clock = Callable[[], dt.datetime]


def is_due(*, now: dt.datetime) -> bool:
    """Whether a run would find anything to do; cheap."""
    steps = {step.name: step for step in SyncStep.objects.all()}
    if {FILL, CHANGES, GENRES, LISTS} - steps.keys() or steps[CHANGES].day != _last_whole_day(now):
        return True
    if _is_old(steps[GENRES], GENRES_EVERY, now) or _is_old(steps[LISTS], LISTS_EVERY, now):
        return True
    return WantedFilm.objects.exists() or QuarantinedFilm.objects.filter(again_at__lte=now).exists()


def is_due_now() -> bool:
    return is_due(now=timezone.now())


def plan(client: Client, held: Lease, *, scope: MirrorScope, full: bool, clock: Clock) -> None:
    """Put on the worklist all that is due. Killed between two steps it is gone on with from there."""
    steps = {step.name: step for step in SyncStep.objects.all()}
    now = clock()
    if full or GENRES not in steps or _is_old(steps[GENRES], GENRES_EVERY, now):
        _read_genres(client, held, clock)
    if full or FILL not in steps:
        _plan_fill(client, held, scope, clock)
    else:
        _plan_changes(client, held, steps[CHANGES], clock)
    if full or LISTS not in steps or _is_old(steps[LISTS], LISTS_EVERY, now):
        _plan_lists(client, held, scope, clock)
    with _writing(held, clock) as now:
        worklist.want(list(QuarantinedFilm.objects.filter(again_at__lte=now).values_list("tmdb_id", flat=True)))
        Lookup.objects.filter(until__lt=now).delete()


def note_end(held: Lease, clock: Clock) -> None:
    """That a run has nothing left to ask for."""
    with _writing(held, clock) as now:
        _mark(RUN, now)


def _read_genres(client: Client, held: Lease, clock: Clock) -> None:
    """And TMDb's configuration, of which only the place of its pictures concerns us."""
    pictures = client.configuration().images.secure_base_url.rstrip("/")
    if pictures != IMAGES:
        logger.warning("TMDb's pictures are at %s by now; this version of Matinee still names %s", pictures, IMAGES)
    named = {genre.id: genre.name[:100] for genre in client.genres().genres}
    with _writing(held, clock) as now:
        known = dict(Genre.objects.filter(id__in=named).values_list("id", "name"))
        new = [Genre(id=id_, name=name) for id_, name in named.items() if known.get(id_) != name]
        Genre.objects.bulk_create(new, update_conflicts=True, unique_fields=["id"], update_fields=["name"])
        _mark(GENRES, now)


def _plan_fill(client: Client, held: Lease, scope: MirrorScope, clock: Clock) -> None:
    """The most popular films, and after them those that the catalogue has besides."""
    since = _last_whole_day(clock())
    wanted = _most_popular(client, scope, clock().date())
    with _writing(held, clock) as now:
        worklist.want(wanted.tolist(), first_rank=worklist.URGENT + 1)
        worklist.want_all_known(rank=len(wanted) + 1)
        _mark(FILL, now)
        _mark(CHANGES, now, day=since)


def _most_popular(client: Client, scope: MirrorScope, today: dt.date) -> NDArray[np.int64]:
    """Ids, the most popular first. Two numbers a film are held, however many are wanted."""
    for days in range(LISTS_OF_IDS_ARE_TRIED):
        ids, popularity = array("q"), array("d")
        try:
            for film in client.exported(today - dt.timedelta(days=days)):
                if scope.allow(film):
                    ids.append(film.tmdb_id)
                    popularity.append(film.popularity)
        except Gone:
            continue
        of_film = np.frombuffer(ids, dtype=np.int64) if ids else np.empty(0, dtype=np.int64)
        order = np.lexsort((of_film, -np.frombuffer(popularity, dtype=np.float64))) if ids else of_film
        return of_film[order[: scope.films]]
    raise Unanswered(f"TMDb has no list of ids of the last {LISTS_OF_IDS_ARE_TRIED} days.")


def _plan_changes(client: Client, held: Lease, reached: SyncStep, clock: Clock) -> None:
    """The films of ours that changed on each day that has ended; too many days on, all of ours."""
    last = _last_whole_day(clock())
    day = reached.day or last
    if last - day > CHANGES_ARE_KEPT_FOR:
        with _writing(held, clock) as now:
            worklist.want_all_known(rank=worklist.URGENT + 1)
            _mark(CHANGES, now, day=last)
        return
    while day < last:
        day += dt.timedelta(days=1)
        changed = _changed_on(client, day)
        with _writing(held, clock) as now:
            for start in range(0, len(changed), worklist.AT_ONCE):
                worklist.want(sorted(films_known(changed[start : start + worklist.AT_ONCE])))
            _mark(CHANGES, now, day=day)


def _changed_on(client: Client, day: dt.date) -> list[int]:
    answer = client.changed(day, page=1)
    ids = [film.id for film in answer.results]
    for page in range(2, min(answer.total_pages, MOST_PAGES) + 1):
        ids += [film.id for film in client.changed(day, page=page).results]
    return ids


def _plan_lists(client: Client, held: Lease, scope: MirrorScope, clock: Clock) -> None:
    wanted: dict[int, None] = {}
    for name in get_args(ListName):
        for page in range(1, LIST_PAGES + 1):
            answer = client.listed(name, page=page)
            wanted.update(dict.fromkeys(film.id for film in answer.results if scope.allow(film)))
            if page >= answer.total_pages:
                break
    with _writing(held, clock) as now:
        worklist.want(list(wanted))
        _mark(LISTS, now)


@contextmanager
def _writing(held: Lease, clock: Clock) -> Iterator[dt.datetime]:
    """A transaction of the one who holds the lease, and its instant."""
    with transaction.atomic():
        now = clock()
        lease.hold(held, now=now)
        yield now


def _mark(name: str, now: dt.datetime, *, day: dt.date | None = None) -> None:
    SyncStep.objects.bulk_create(
        [SyncStep(name=name, done_at=now, day=day)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["done_at", "day"],
    )


def _is_old(step: SyncStep, every: dt.timedelta, now: dt.datetime) -> bool:
    return now - step.done_at >= every


def _last_whole_day(now: dt.datetime) -> dt.date:
    return (now - DAY_SETTLES_FOR).astimezone(dt.UTC).date() - dt.timedelta(days=1)
