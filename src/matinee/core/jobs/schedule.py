"""Work that comes back: which tasks run periodically, and queueing each of them once when it is due."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django_tasks import TaskResultStatus
from django_tasks.base import Task

from matinee.core.jobs.models import Job, JobLease, Schedule

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Periodic:
    """A task without arguments that is queued at most once in `every`, and only while `when` says so.

    `when` is asked about once a second while the task is due, so it must be cheap; it stays due while that says no.
    """

    name: str
    task: Task[[], Any]
    every: dt.timedelta
    when: Callable[[], bool] | None = None


_registered: dict[str, Periodic] = {}


def register(periodic: Periodic) -> None:
    """Have the job workers run it. Called from an AppConfig's ready(); a name is given once."""
    known = _registered.setdefault(periodic.name, periodic)
    if known != periodic:
        raise ValueError(f"Two periodic tasks are called {periodic.name}.")


def registered() -> tuple[Periodic, ...]:
    return tuple(_registered.values())


def enqueue_due(periodics: Collection[Periodic], *, now: dt.datetime) -> list[str]:
    """Queue those that are due at `now`, each once however many workers ask; returns the names that were queued."""
    next_runs = dict(Schedule.objects.values_list("name", "next_run_at"))
    missing = [Schedule(name=p.name, next_run_at=now) for p in periodics if p.name not in next_runs]
    if missing:
        Schedule.objects.bulk_create(missing, ignore_conflicts=True)
    due = [p for p in periodics if next_runs.get(p.name, now) <= now]
    return [p.name for p in due if _is_wanted(p) and not _is_under_way(p) and _enqueue_once(p, now=now)]


@transaction.atomic
def _enqueue_once(periodic: Periodic, *, now: dt.datetime) -> bool:
    """The one worker whose UPDATE moves the row on queues the task."""
    due = Schedule.objects.filter(name=periodic.name, next_run_at__lte=now)
    if not due.update(next_run_at=now + periodic.every):
        return False
    periodic.task.enqueue()
    return True


def _is_wanted(periodic: Periodic) -> bool:
    try:
        return periodic.when is None or periodic.when()
    except Exception:
        logger.exception("Whether %s is to run can't be told; it is asked again", periodic.name)
        return False


def _is_under_way(periodic: Periodic) -> bool:
    path = periodic.task.module_path
    queued = Job.objects.filter(task_path=path, status=TaskResultStatus.READY)
    return queued.exists() or JobLease.objects.filter(job__task_path=path).exists()
