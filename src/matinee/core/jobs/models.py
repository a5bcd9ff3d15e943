"""What the queue of django-tasks-db lacks: who holds a running job and until when, and when a periodic one is due."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.db import models
from django_tasks_db.models import DBTaskResult

Job: TypeAlias = DBTaskResult[..., Any]


class JobLease(models.Model):
    """One running attempt of a job. Whoever deletes this row ends the attempt: its worker, or the one who takes
    the job back once `expires_at` has passed. A worker that finds its row gone has lost the job.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="lease")
    worker_id = models.CharField(max_length=64)
    attempt = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"attempt {self.attempt} by {self.worker_id}"


class Schedule(models.Model):
    """When a periodic job may be queued next; one row serves all workers on all machines."""

    name = models.CharField(max_length=100, primary_key=True)
    next_run_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}, next at {self.next_run_at:%Y-%m-%d %H:%M:%S}"
