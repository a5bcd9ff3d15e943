"""One run of the mirror: take the lease, plan what is due, then ask for film after film until the worklist is empty.

TMDb is asked by threads that never see the database, a batch at a time; what came of a batch is stored in one
transaction that first makes sure of the lease. Memory holds one batch, however many films there are.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from matinee.core.refusals import Unavailable
from matinee.tmdb import lease, worklist
from matinee.tmdb.client import Client
from matinee.tmdb.connection import MirrorScope
from matinee.tmdb.failures import Away, Gone, TmdbFailure, TokenRefused, Unfit
from matinee.tmdb.lease import AlreadyRunning, Lease
from matinee.tmdb.planning import Clock, note_end, plan
from matinee.tmdb.searches import answer_searches
from matinee.tmdb.storing import Outcome, Stored, count, films_known, store
from matinee.tmdb.transport import CONNECTIONS

logger = logging.getLogger(__name__)

BATCH = 100
RENEWED_AFTER = dt.timedelta(seconds=30)
LONGEST_SLEEP = 30.0
PATIENCE = dt.timedelta(minutes=10)
"""How long a run waits for a TMDb that does not answer; the next run goes on from there."""


class TmdbUnwell(Unavailable):
    """TMDb can't be mirrored at this moment; what is done is done, and the next run goes on."""

    code = "tmdb_unavailable"


@dataclass(frozen=True)
class Progress:
    """Films settled since the last word, and how many are left."""

    done: int
    left: int


def synchronise(
    client: Client,
    *,
    scope: MirrorScope,
    clock: Clock,
    full: bool = False,
    patience: dt.timedelta = PATIENCE,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Stored:
    """Raises AlreadyRunning, TmdbUnwell, TokenRefused, and MirrorLeaseLost where another machine took over."""
    held = lease.take(holder=f"{platform.node()[:40]}-{os.getpid()}-{secrets.token_hex(4)}", now=clock())
    try:
        try:
            answer_searches(client, held, scope=scope, clock=clock)
            plan(client, held, scope=scope, full=full, clock=clock)
        except TokenRefused:
            raise
        except TmdbFailure as failure:
            raise TmdbUnwell(str(failure)) from failure
        stored = _Run(client, held, scope, clock, patience).drain(on_progress)
        note_end(held, clock)
        return stored
    finally:
        lease.give_back(held, now=clock())


class _Run:
    """The way through the worklist of one who holds the lease."""

    def __init__(self, client: Client, held: Lease, scope: MirrorScope, clock: Clock, patience: dt.timedelta) -> None:
        self._client = client
        self._held = held
        self._scope = scope
        self._clock = clock
        self._patience = patience
        self._renewed_at = clock()
        self._suspects: set[int] = set()
        """Films that got no answer while none did; a second time it is the film, and not TMDb."""

    def drain(self, on_progress: Callable[[Progress], None]) -> Stored:
        total = Stored()
        left = worklist.left()
        on_progress(Progress(0, left))
        with _threads(self._client) as pool:
            while batch := worklist.first(BATCH):
                outcomes = [self._noted(outcome) for outcome in pool.map(self._ask, batch)]
                settled = self._settled(outcomes)
                if settled:
                    stored = self._store(settled)
                    count(stored)
                    total += stored
                    left = max(0, left - len(settled))
                    on_progress(Progress(len(settled), left))
                if not any(_is_answer(outcome) for outcome in outcomes):
                    self._wait_until_well()
                answer_searches(self._client, self._held, scope=self._scope, clock=self._clock)
        return total

    def _ask(self, tmdb_id: int) -> Outcome:
        try:
            return Outcome(tmdb_id, film=self._client.film(tmdb_id))
        except TokenRefused:
            raise
        except TmdbFailure as failure:
            return Outcome(tmdb_id, failure=failure)

    def _noted(self, outcome: Outcome) -> Outcome:
        """The lease is renewed while answers come in, however slowly."""
        if self._clock() - self._renewed_at >= RENEWED_AFTER:
            self._renew()
        return outcome

    def _renew(self) -> None:
        self._renewed_at = self._clock()
        with transaction.atomic():
            lease.hold(self._held, now=self._renewed_at)

    def _settled(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Those that are not to be asked for again in this run."""
        is_well = any(_is_answer(outcome) for outcome in outcomes)
        settled = []
        for outcome in outcomes:
            if isinstance(outcome.failure, Away):
                continue
            if _is_answer(outcome) or is_well or outcome.tmdb_id in self._suspects:
                settled.append(outcome)
            else:
                self._suspects.add(outcome.tmdb_id)
        return settled

    @transaction.atomic
    def _store(self, settled: Sequence[Outcome]) -> Stored:
        self._renewed_at = now = self._clock()
        lease.hold(self._held, now=now)
        known = films_known([outcome.tmdb_id for outcome in settled])
        kept = [
            outcome
            for outcome in settled
            if outcome.film is None or outcome.tmdb_id in known or self._scope.allow(outcome.film)
        ]
        stored = store(kept, now=now)
        worklist.strike(outcome.tmdb_id for outcome in settled)
        return stored

    def _wait_until_well(self) -> None:
        """Return once TMDb answers the plainest question. Raises TmdbUnwell when patience ends."""
        give_up_at = self._clock() + self._patience
        while True:
            try:
                self._client.configuration()
            except TokenRefused:
                raise
            except TmdbFailure as failure:
                if self._clock() >= give_up_at:
                    raise TmdbUnwell(f"{failure} {worklist.left():,} films are left for the next run.") from failure
                seconds = failure.seconds if isinstance(failure, Away) else 1.0
            else:
                return
            time.sleep(min(max(seconds, 0.1), LONGEST_SLEEP))
            self._renew()


def _is_answer(outcome: Outcome) -> bool:
    return outcome.film is not None or isinstance(outcome.failure, Gone | Unfit)


@contextmanager
def _threads(client: Client) -> Iterator[ThreadPoolExecutor]:
    """Threads that ask; whatever ends the run, none of them is waited for longer than its request takes."""
    pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="tmdb")
    try:
        yield pool
    except BaseException:
        client.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def run_scheduled(client: Client, *, scope: MirrorScope, clock: Clock) -> None:
    """A run that nobody watches: what keeps it from ending is logged, and the schedule comes back."""
    try:
        stored = synchronise(client, scope=scope, clock=clock)
    except AlreadyRunning as refusal:
        logger.info("%s", refusal)
    except (TmdbUnwell, TokenRefused) as refusal:
        logger.warning("TMDb is not mirrored: %s", refusal)
    else:
        logger.info("TMDb is mirrored: %s", stored)
