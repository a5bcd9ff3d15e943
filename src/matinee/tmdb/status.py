"""How fresh the mirror is: for `matinee tmdb status`, and for whoever watches over an instance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from matinee.tmdb import connection, lease, planning, worklist
from matinee.tmdb.models import QuarantinedFilm, SyncLease, SyncStep

LATE_AFTER = dt.timedelta(days=3)


@dataclass(frozen=True)
class Status:
    """At one moment; None where something never happened."""

    at: dt.datetime
    configured: bool
    left: int
    """On the worklist."""
    quarantined: int
    filled_at: dt.datetime | None
    changes_up_to: dt.date | None
    lists_at: dt.datetime | None
    finished_at: dt.datetime | None
    """When a run last ended with nothing left to ask for."""
    running: str | None
    """Who mirrors at this moment."""
    resting_until: dt.datetime | None
    """TMDb has failed and is not asked before then; None where it may be asked."""

    @property
    def lag(self) -> dt.timedelta | None:
        """How long ago the last day ended whose changes are known: an hour to a day and an hour where all is well."""
        if self.changes_up_to is None:
            return None
        ended_at = dt.datetime.combine(self.changes_up_to + dt.timedelta(days=1), dt.time(), dt.UTC)
        return self.at - ended_at

    @property
    def success_age(self) -> dt.timedelta | None:
        return None if self.finished_at is None else self.at - self.finished_at

    @property
    def is_late(self) -> bool:
        """A first fill may take as long as it takes."""
        ages = (self.lag, self.success_age)
        return self.lag is None or any(age is not None and age > LATE_AFTER for age in ages)


def read_status(*, now: dt.datetime) -> Status:
    steps = {step.name: step for step in SyncStep.objects.all()}
    running = SyncLease.objects.filter(name=lease.NAME, expires_at__gt=now).first()
    state = connection.pace().state()
    rests = state.is_resting(now.timestamp())
    names = (planning.FILL, planning.CHANGES, planning.LISTS, planning.RUN)
    fill, changes, lists, run = (steps.get(name) for name in names)
    return Status(
        at=now,
        configured=connection.is_configured(),
        left=worklist.left(),
        quarantined=QuarantinedFilm.objects.count(),
        filled_at=fill.done_at if fill else None,
        changes_up_to=changes.day if changes else None,
        lists_at=lists.done_at if lists else None,
        finished_at=run.done_at if run else None,
        running=running.holder if running else None,
        resting_until=dt.datetime.fromtimestamp(state.open_until, dt.UTC) if rests else None,
    )
