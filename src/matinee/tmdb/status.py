"""How fresh the mirror is: for `matinee tmdb status`, and for whoever watches over an instance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from matinee.catalog.models import Movie
from matinee.tmdb import connection, lease, planning, worklist
from matinee.tmdb.models import QuarantinedFilm, SyncLease, SyncStep


@dataclass(frozen=True)
class Status:
    """At one moment; None where something never happened."""

    configured: bool
    films: int
    left: int
    """On the worklist."""
    quarantined: int
    filled_at: dt.datetime | None
    changes_up_to: dt.date | None
    lists_at: dt.datetime | None
    running: str | None
    """Who mirrors at this moment."""
    resting_until: dt.datetime | None
    """TMDb has failed and is not asked before then."""


def read_status(*, now: dt.datetime) -> Status:
    steps = {step.name: step for step in SyncStep.objects.all()}
    running = SyncLease.objects.filter(name=lease.NAME, expires_at__gt=now).first()
    standing = connection.pace().standing()
    resting = dt.datetime.fromtimestamp(standing.open_until, dt.UTC) if standing.is_open else None
    fill, changes, lists = (steps.get(name) for name in (planning.FILL, planning.CHANGES, planning.LISTS))
    return Status(
        configured=connection.is_configured(),
        films=Movie.objects.count(),
        left=worklist.left(),
        quarantined=QuarantinedFilm.objects.count(),
        filled_at=fill.done_at if fill else None,
        changes_up_to=changes.day if changes else None,
        lists_at=lists.done_at if lists else None,
        running=running.holder if running else None,
        resting_until=resting,
    )
