"""What people searched for and the catalogue has too little of: TMDb's search is asked by the mirror's next run, within
seconds, and what it finds is fetched and stored like every film. No search waits for that: the next one shows it.

One row stands for everybody who types the same. What was typed is kept until TMDb was asked; after that its digest.
Where TMDb is not asked in time, the row goes, and needs no TMDb for that.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from matinee.tmdb import connection, lease, worklist
from matinee.tmdb.client import Client
from matinee.tmdb.connection import MirrorScope
from matinee.tmdb.failures import TmdbFailure, TokenRefused
from matinee.tmdb.lease import Lease
from matinee.tmdb.models import SyncLease, WantedSearch
from matinee.tmdb.planning import Clock
from matinee.tmdb.storing import films_known

logger = logging.getLogger(__name__)

MOST_A_DAY = 1_000
"""Of different searches: so far strangers can make the catalogue grow, and TMDb busy."""
MOST_FILMS = 10
"""Of TMDb's first page: those are wanted that the catalogue lacks."""
ASKED_WITHIN = dt.timedelta(minutes=10)
"""After that nobody waits for the answer any more."""
ANSWERED_FOR = dt.timedelta(days=1)
FAILED_FOR = dt.timedelta(minutes=5)
SECONDS = 10.0


def want_search(words: str, *, now: dt.datetime) -> None:
    """Have TMDb asked for films called so, once a day. Two queries; the first time two more, which write."""
    if not (settings.TMDB_SEARCH and connection.is_configured()):
        return
    digest = hashlib.sha256(words.encode()).hexdigest()
    lasting = WantedSearch.objects.filter(until__gt=now)
    if lasting.filter(digest=digest).exists() or lasting[:MOST_A_DAY].count() >= MOST_A_DAY:
        return
    try:
        _note(digest, words, now=now)
    except DatabaseError:
        logger.warning("What was searched for can't be noted; the search itself is answered", exc_info=True)


def are_waiting() -> bool:
    """Whether a run would ask for any at once: one is not under way, and TMDb is not given a rest; cheap."""
    now = timezone.now()
    if connection.pace().state().is_resting(now.timestamp()):
        return False
    return bool(_waiting(now)) and not SyncLease.objects.filter(name=lease.NAME, expires_at__gt=now).exists()


def answer_searches(client: Client, held: Lease, *, scope: MirrorScope, clock: Clock) -> None:
    """Ask TMDb for all that wait, and put what it finds first on the worklist. One that fails may be asked for again
    after a while. Raises TokenRefused."""
    for digest, words in _waiting(clock()):
        try:
            films = client.found(words, adult=scope.adult, seconds=SECONDS).results
        except TmdbFailure as failure:
            _settle(digest, [], held, now=clock(), kept_for=FAILED_FOR)
            if isinstance(failure, TokenRefused):
                raise
            logger.warning("TMDb can't be searched: %s", failure)
        else:
            wanted = [film.id for film in films if scope.allow(film)][:MOST_FILMS]
            _settle(digest, wanted, held, now=clock(), kept_for=ANSWERED_FOR)


def any_expired() -> bool:
    """Cheap."""
    return WantedSearch.objects.filter(until__lte=timezone.now()).exists()


def forget_expired(*, now: dt.datetime) -> int:
    """Returns how many rows went: searches that were not asked for in time, and those that may be asked for again."""
    return WantedSearch.objects.filter(until__lte=now).delete()[0]


@transaction.atomic
def _note(digest: str, words: str, *, now: dt.datetime) -> None:
    """Of many who come at once the first one's row stays."""
    WantedSearch.objects.filter(digest=digest, until__lte=now).delete()
    WantedSearch.objects.bulk_create(
        [WantedSearch(digest=digest, words=words, until=now + ASKED_WITHIN)], ignore_conflicts=True
    )


def _waiting(now: dt.datetime) -> list[tuple[str, str]]:
    rows = WantedSearch.objects.filter(until__gt=now).exclude(words="")
    return list(rows.order_by("until", "digest").values_list("digest", "words"))


@transaction.atomic
def _settle(digest: str, films: Sequence[int], held: Lease, *, now: dt.datetime, kept_for: dt.timedelta) -> None:
    lease.hold(held, now=now)
    known = films_known(films)
    worklist.want_first([tmdb_id for tmdb_id in films if tmdb_id not in known])
    WantedSearch.objects.filter(digest=digest).update(words="", until=now + kept_for)
