"""A film by its TMDb id, for whoever needs it now: out of the catalogue, or out of TMDb where that is configured.

However many ask for the same film at once, TMDb is asked once: one row says that somebody is asking, and keeps for a
while what came of it, so that ids which are none don't cost a request each time. The network comes before any
transaction: the claim is a durable one, which Django refuses inside another.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from matinee.catalog.lookup import UnknownMovie
from matinee.catalog.models import Movie
from matinee.core.lending import lent
from matinee.core.refusals import Unavailable
from matinee.tmdb import connection
from matinee.tmdb.client import Client
from matinee.tmdb.failures import Gone, TmdbFailure, Unfit
from matinee.tmdb.models import Lookup
from matinee.tmdb.payloads import LARGEST_ID, Film
from matinee.tmdb.storing import Outcome, Stored, count, quarantine, store

logger = logging.getLogger(__name__)

Found = TypeVar("Found")

SECONDS = 2.0
"""For all of it: somebody waits."""
AT_ONCE = 4
"""Of all processes. Each holds a thread of a web worker, though its turn is lent to others."""
LOOK_EVERY_SECONDS = 0.05
MISSING_FOR = dt.timedelta(hours=1)
UNANSWERED_FOR = dt.timedelta(seconds=5)


class FilmWanted(Exception):
    """A film has to be fetched first, which the open transaction forbids: end it, fetch, begin again."""

    def __init__(self, tmdb_id: int) -> None:
        super().__init__(f"Film {tmdb_id} is to be fetched before a transaction begins.")
        self.tmdb_id = tmdb_id


class TmdbUnavailable(Unavailable):
    """The catalogue lacks the film, and TMDb can't be asked for it now."""

    code = "tmdb_unavailable"


def find_movie(tmdb_id: int, *, by: Callable[[int], Found]) -> Found:
    """What `by` finds in the catalogue, if need be after the film was fetched from TMDb.

    Raises UnknownMovie as `by` does, also where TMDb has no such film, and TmdbUnavailable; within a transaction
    FilmWanted.
    """
    try:
        return by(tmdb_id)
    except UnknownMovie:
        if not connection.is_configured() or not 1 <= tmdb_id <= LARGEST_ID or _is_there(tmdb_id):
            raise
    if _in_transaction():
        raise FilmWanted(tmdb_id)
    fetch(tmdb_id)
    return by(tmdb_id)


def fetch(tmdb_id: int) -> None:
    """Return once the catalogue has the film. Raises UnknownMovie and TmdbUnavailable."""
    gives_up_at = time.monotonic() + SECONDS
    while not _is_there(tmdb_id):
        if _claim(tmdb_id, now=timezone.now()):
            _ask(tmdb_id, seconds=max(gives_up_at - time.monotonic(), 0.1))
            if not _is_there(tmdb_id):  # TMDb has it under another id, or says too little of it
                raise UnknownMovie.of(tmdb_id)
            return
        if time.monotonic() >= gives_up_at:
            raise TmdbUnavailable(f"TMDb did not answer in time about film {tmdb_id}.")
        with lent():
            time.sleep(LOOK_EVERY_SECONDS)


def _in_transaction() -> bool:
    try:
        with transaction.atomic(durable=True):
            return False
    except RuntimeError:  # how Django says that one is open already
        return True


def _is_there(tmdb_id: int) -> bool:
    return Movie.objects.filter(tmdb_id=tmdb_id).exists()


def _ask(tmdb_id: int, *, seconds: float) -> None:
    if _is_there(tmdb_id):  # another caller brought it between our look and our claim
        Lookup.objects.filter(tmdb_id=tmdb_id).delete()
        return
    client = _client(settings.TMDB_TOKEN, settings.TMDB_STAND_IN, settings.TMDB_LANGUAGE)
    try:
        with lent():
            film = client.film(tmdb_id, seconds=seconds)
    except TmdbFailure as failure:
        raise _noted(tmdb_id, failure, now=timezone.now()) from failure
    if not connection.scope().allow(film):
        raise _noted(tmdb_id, Gone("This instance leaves such films out."), now=timezone.now())
    count(_keep(tmdb_id, film, now=timezone.now()))


@transaction.atomic(durable=True)
def _claim(tmdb_id: int, *, now: dt.datetime) -> bool:
    """Whether it is on this caller to ask TMDb; if not, somebody else is asking.

    Raises what the last one learnt, while that is fresh, and TmdbUnavailable where too many ask at once.
    """
    others = Lookup.objects.filter(until__gt=now)
    known = others.filter(tmdb_id=tmdb_id).values_list("state", flat=True).first()
    if known == Lookup.State.MISSING:
        raise UnknownMovie.of(tmdb_id)
    if known == Lookup.State.UNANSWERED:
        raise TmdbUnavailable(f"TMDb can't be asked about film {tmdb_id} at the moment.")
    if known == Lookup.State.ASKING:
        return False
    if others.filter(state=Lookup.State.ASKING).count() >= AT_ONCE:
        raise TmdbUnavailable("TMDb is already being asked about several films; try again in a moment.")
    until = now + dt.timedelta(seconds=SECONDS * 2)
    if Lookup.objects.filter(tmdb_id=tmdb_id, until__lte=now).update(state=Lookup.State.ASKING, until=until):
        return True
    try:
        with transaction.atomic():
            Lookup.objects.create(tmdb_id=tmdb_id, state=Lookup.State.ASKING, until=until)
    except IntegrityError:
        return False  # another caller's row came first
    return True


@transaction.atomic
def _keep(tmdb_id: int, film: Film, *, now: dt.datetime) -> Stored:
    """Store the film. Where that leaves the id without one (it was merged, or lacks a title), that is noted."""
    stored = store([Outcome(tmdb_id, film=film)], now=now)
    if stored.quarantined or film.id != tmdb_id:
        Lookup.objects.filter(tmdb_id=tmdb_id).update(state=Lookup.State.MISSING, until=now + MISSING_FOR)
    else:
        Lookup.objects.filter(tmdb_id=tmdb_id).delete()
    return stored


@transaction.atomic
def _noted(tmdb_id: int, failure: TmdbFailure, *, now: dt.datetime) -> UnknownMovie | TmdbUnavailable:
    """The refusal that `failure` means for who asked, kept for those who ask next."""
    is_missing = isinstance(failure, Gone | Unfit)
    state, kept_for = (Lookup.State.MISSING, MISSING_FOR) if is_missing else (Lookup.State.UNANSWERED, UNANSWERED_FOR)
    Lookup.objects.update_or_create(tmdb_id=tmdb_id, defaults={"state": state, "until": now + kept_for})
    if isinstance(failure, Unfit):
        quarantine(tmdb_id, failure, now=now)
    if is_missing:
        return UnknownMovie.of(tmdb_id)
    logger.warning("Film %d can't be had from TMDb: %s", tmdb_id, failure)
    return TmdbUnavailable(f"Film {tmdb_id} is not in the catalogue yet, and TMDb can't be asked at the moment.")


@lru_cache(maxsize=4)
def _client(_token: str | None, _stand_in: str | None, _language: str) -> Client:
    """One for each way of being configured: its connections are kept."""
    return connection.new_client()
