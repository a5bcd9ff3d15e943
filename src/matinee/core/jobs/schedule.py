"""Work that comes back: which tasks run periodically, and queueing each of them once when it is due.

During an upgrade programs of two versions run beside each other, each with its own layout of artifacts. So a queue may
have a part for each layout: jobs in `training:model-5` are for programs whose models have layout 5. A program works
only on the parts that it schedules jobs in itself.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django_tasks import TaskResultStatus
from django_tasks.base import Task

from matinee.core.jobs.models import Job, JobLease, Schedule

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Periodic:
    """A task without arguments that is queued at most once in `every`, and only while `when` says so.

    `when` is asked with each look of a worker while the task is due, so it must be cheap; it stays due while that says
    no.
    """

    name: str
    task: Task[[], Any]
    every: dt.timedelta
    when: Callable[[], bool] | None = None
    is_due_at_first: bool = True
    """Whether it is due as soon as job workers know of it; else it is `every` later."""

    def first_run(self, now: dt.datetime) -> dt.datetime:
        """When it is first due, if job workers know of it since `now`."""
        return now if self.is_due_at_first else now + self.every

    @property
    def row(self) -> str:
        """Of the Schedule: in a part of a queue each layout has its own."""
        _, colon, layout = self.task.queue_name.partition(":")
        return f"{self.name}{colon}{layout}"


_registered: dict[str, Periodic] = {}


def register(periodic: Periodic) -> None:
    """Have the job workers run it. Called from an AppConfig's ready(); a name is given once."""
    if whole_of(periodic.task.queue_name) not in settings.QUEUES:
        raise ValueError(f"No worker serves the queue {periodic.task.queue_name} of {periodic.name}.")
    known = _registered.setdefault(periodic.name, periodic)
    if known != periodic:
        raise ValueError(f"Two periodic tasks are called {periodic.name}.")


def registered() -> tuple[Periodic, ...]:
    return tuple(_registered.values())


def whole_of(queue_name: str) -> str:
    return queue_name.partition(":")[0]


def with_parts(queues: Collection[str]) -> set[str]:
    """These queues, and the parts of them that this program serves."""
    return {*queues, *(p.task.queue_name for p in registered() if whole_of(p.task.queue_name) in queues)}


def enqueue_due(periodics: Collection[Periodic], *, now: dt.datetime) -> list[str]:
    """Queue those that are due at `now`, each once however many workers ask; returns the names that were queued."""
    next_runs = dict(Schedule.objects.values_list("name", "next_run_at"))
    missing = [Schedule(name=p.row, next_run_at=p.first_run(now)) for p in periodics if p.row not in next_runs]
    if missing:
        Schedule.objects.bulk_create(missing, ignore_conflicts=True)
    due = [p for p in periodics if next_runs.get(p.row, p.first_run(now)) <= now]
    return [p.name for p in due if _is_wanted(p) and not _is_under_way(p) and _enqueue_once(p, now=now)]


@transaction.atomic
def _enqueue_once(periodic: Periodic, *, now: dt.datetime) -> bool:
    """The one worker whose UPDATE moves the row on queues the task."""
    due = Schedule.objects.filter(name=periodic.row, next_run_at__lte=now)
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
    path, queue = periodic.task.module_path, periodic.task.queue_name
    queued = Job.objects.filter(task_path=path, queue_name=queue, status=TaskResultStatus.READY)
    return queued.exists() or JobLease.objects.filter(job__task_path=path, job__queue_name=queue).exists()
