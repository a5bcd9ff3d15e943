"""The life of a job: claimed under a lease, ended once, tried again with growing pauses, parked after the last try.

At least once: a job whose worker vanished is run again, so a task's effect must be safe to repeat. The clocks of all
machines must agree well within a lease.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django_tasks import TaskResultStatus
from django_tasks.utils import normalize_json
from django_tasks_db.models import get_date_max

from matinee.core.jobs.models import Job, JobLease

logger = logging.getLogger(__name__)

CANDIDATES = 8  # looked at in one claim; a worker that loses all of them to others comes back a moment later
SUCCESSES_ARE_KEPT_FOR = dt.timedelta(days=2)
PARKED_ARE_KEPT_FOR = dt.timedelta(days=30)


@dataclass(frozen=True)
class Patience:
    """How long a job is waited for, and how often it is tried."""

    lease: dt.timedelta = dt.timedelta(seconds=60)
    """A worker that has not renewed for this long is taken for dead; numeric code may hold it up for many seconds."""
    beat: dt.timedelta = dt.timedelta(seconds=10)
    """How often a worker renews."""
    tries: int = 5
    """After so many failed attempts a job is parked."""
    first_pause: dt.timedelta = dt.timedelta(seconds=5)
    """The longest pause after the first failed attempt; it doubles with each."""


class LeaseLost(Exception):
    """The job was taken from this worker, which must not touch it any more."""


class WorkerLost(Exception):
    """What is noted of an attempt whose worker stopped renewing its lease."""


def ready(*, queues: Collection[str], now: dt.datetime) -> QuerySet[Job]:
    """The jobs that may be started at `now`, the most urgent first."""
    due = Q(run_after=get_date_max()) | Q(run_after__lte=now)
    waiting: QuerySet[Job] = Job.objects.filter(due, status=TaskResultStatus.READY, queue_name__in=queues)
    return waiting


def waiting_since(*, queues: Collection[str], now: dt.datetime) -> dt.datetime | None:
    """When the oldest job that could run at `now` was queued; None where none waits."""
    oldest: dt.datetime | None = ready(queues=queues, now=now).aggregate(oldest=Min("enqueued_at"))["oldest"]
    return oldest


def claim(*, queues: Collection[str], worker_id: str, patience: Patience, now: dt.datetime) -> JobLease | None:
    """Take the most urgent job for this worker alone; None where there is none."""
    for job_id in ready(queues=queues, now=now).values_list("pk", flat=True)[:CANDIDATES]:
        lease = _claim(job_id, worker_id=worker_id, expires_at=now + patience.lease, now=now)
        if lease is not None:
            return lease
    return None


@transaction.atomic
def _claim(job_id: Any, *, worker_id: str, expires_at: dt.datetime, now: dt.datetime) -> JobLease | None:
    still_ready = Job.objects.filter(pk=job_id, status=TaskResultStatus.READY)
    if not still_ready.update(status=TaskResultStatus.RUNNING, started_at=now):
        return None
    job = Job.objects.get(pk=job_id)
    job.worker_ids = [*job.worker_ids, worker_id]
    job.save(update_fields=["worker_ids"])
    return JobLease.objects.create(job=job, worker_id=worker_id, attempt=len(job.worker_ids), expires_at=expires_at)


def renew(lease: JobLease, *, patience: Patience, now: dt.datetime) -> bool:
    """Hold on to the job for another lease; False when it has been taken away."""
    return bool(_held(lease).update(expires_at=now + patience.lease))


@transaction.atomic
def succeed(lease: JobLease, value: Any, *, now: dt.datetime) -> None:
    """Record what the job returned (JSON). Raises LeaseLost, and TypeError for what is not JSON."""
    result = normalize_json(value)
    _end(_held(lease))
    _job(lease).update(
        status=TaskResultStatus.SUCCESSFUL, finished_at=now, return_value=result, exception_class_path="", traceback=""
    )


@transaction.atomic
def fail(lease: JobLease, error: BaseException, *, patience: Patience, now: dt.datetime) -> None:
    """Record a failed attempt: the job is tried again after a pause, or parked after the last try. Raises LeaseLost."""
    _end(_held(lease))
    _record_failure(lease, error, patience=patience, now=now)


@transaction.atomic
def hand_back(lease: JobLease, *, now: dt.datetime) -> None:
    """Give up a job that is not at fault, as though it had not been started. Raises LeaseLost."""
    _end(_held(lease))
    job = Job.objects.get(pk=lease.pk)
    _job(lease).update(status=TaskResultStatus.READY, started_at=None, run_after=now, worker_ids=job.worker_ids[:-1])


def reclaim_expired(*, patience: Patience, now: dt.datetime) -> int:
    """Take back the jobs whose workers have stopped renewing, as failed attempts; returns how many."""
    return sum(
        _reclaim(lease, patience=patience, now=now)
        for lease in JobLease.objects.filter(expires_at__lt=now).select_related("job")
    )


@transaction.atomic
def _reclaim(lease: JobLease, *, patience: Patience, now: dt.datetime) -> bool:
    try:
        _end(_held(lease).filter(expires_at__lt=now))
    except LeaseLost:
        return False  # it has renewed or ended meanwhile, or another worker was quicker
    lost = WorkerLost(f"Worker {lease.worker_id} stopped renewing its lease on attempt {lease.attempt}.")
    _record_failure(lease, lost, patience=patience, now=now)
    return True


def parked() -> QuerySet[Job]:
    """The jobs that failed on their last try."""
    failed: QuerySet[Job] = Job.objects.filter(status=TaskResultStatus.FAILED)
    return failed


def requeue(jobs: QuerySet[Job], *, now: dt.datetime) -> int:
    """Give parked jobs all their tries again; returns how many of `jobs` were parked."""
    failed: QuerySet[Job] = jobs.filter(status=TaskResultStatus.FAILED)
    return failed.update(status=TaskResultStatus.READY, run_after=now, finished_at=None, worker_ids=[])


def forget_finished(*, now: dt.datetime) -> int:
    """Delete the results that nobody will ask for any more, and what waits in a part of a queue for programs that are
    gone; returns how many rows went."""
    old = Q(status=TaskResultStatus.SUCCESSFUL, finished_at__lt=now - SUCCESSES_ARE_KEPT_FOR)
    old |= Q(status=TaskResultStatus.FAILED, finished_at__lt=now - PARKED_ARE_KEPT_FOR)
    is_long_ago = Q(enqueued_at__lt=now - PARKED_ARE_KEPT_FOR)
    old |= is_long_ago & Q(status=TaskResultStatus.READY, queue_name__contains=":")
    deleted, _ = Job.objects.filter(old).delete()
    return int(deleted)


def pause_after(attempt: int, *, patience: Patience) -> dt.timedelta:
    """A random time in the upper half of what doubles with each attempt, so that jobs that failed together spread."""
    doublings: int = 2 ** (attempt - 1)
    return patience.first_pause * doublings * random.uniform(0.5, 1.0)  # noqa: S311 - it spreads load, it protects nothing


def _held(lease: JobLease) -> QuerySet[JobLease]:
    """The lease as long as it is this very attempt of this very worker."""
    return JobLease.objects.filter(pk=lease.pk, attempt=lease.attempt, worker_id=lease.worker_id)


def _end(held: QuerySet[JobLease]) -> None:
    """One DELETE decides who ends the attempt, whoever else tries to at the same time."""
    deleted, _ = held.delete()
    if not deleted:
        raise LeaseLost


def _job(lease: JobLease) -> QuerySet[Job]:
    job: QuerySet[Job] = Job.objects.filter(pk=lease.pk)
    return job


def _record_failure(lease: JobLease, error: BaseException, *, patience: Patience, now: dt.datetime) -> None:
    cause = {
        "exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}",
        "traceback": _storable("".join(traceback.format_exception(error))),
        "return_value": None,
    }
    if lease.attempt >= patience.tries:
        _job(lease).update(status=TaskResultStatus.FAILED, finished_at=now, **cause)
        logger.error("Job %s is parked after %d tries: %s", lease.job.task_path, lease.attempt, error)
        return
    again_at = now + pause_after(lease.attempt, patience=patience)
    _job(lease).update(status=TaskResultStatus.READY, run_after=again_at, **cause)
    logger.warning("Job %s failed on try %d and runs again: %r", lease.job.task_path, lease.attempt, error)


def _storable(text: str) -> str:
    """PostgreSQL takes neither NUL nor half a surrogate pair, and a traceback may quote either."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")
