"""One mirror at a time across machines: a lease in the database, and a token that fences off whoever lost it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from matinee.core.refusals import Conflict
from matinee.tmdb.models import SyncLease

NAME = "sync"
LASTS = dt.timedelta(minutes=3)
"""A holder renews with every write and while it waits, at the latest after the time that one call may take."""


class AlreadyRunning(Conflict):
    """Another process mirrors TMDb at this moment."""

    code = "sync_already_running"


class MirrorLeaseLost(Exception):
    """Another process took over: nothing that this one still writes counts."""


@dataclass(frozen=True)
class Lease:
    token: int


@transaction.atomic(durable=True)
def take(*, holder: str, now: dt.datetime) -> Lease:
    """Raises AlreadyRunning. One UPDATE decides among many who ask."""
    SyncLease.objects.get_or_create(name=NAME, defaults={"holder": "", "token": 0, "expires_at": now})
    free = SyncLease.objects.filter(name=NAME, expires_at__lte=now)
    if not free.update(token=F("token") + 1, holder=holder, expires_at=now + LASTS):
        running = SyncLease.objects.get(name=NAME)
        raise AlreadyRunning(f"TMDb is already being mirrored, by {running.holder}.")
    return Lease(SyncLease.objects.values_list("token", flat=True).get(name=NAME))


def hold(lease: Lease, *, now: dt.datetime) -> None:
    """Renew it; called first in each transaction that writes, which nobody can overtake. Raises MirrorLeaseLost."""
    if not SyncLease.objects.filter(name=NAME, token=lease.token).update(expires_at=now + LASTS):
        raise MirrorLeaseLost("Another process mirrors TMDb by now; this one has stopped.")


def give_back(lease: Lease, *, now: dt.datetime) -> None:
    SyncLease.objects.filter(name=NAME, token=lease.token).update(expires_at=now)
