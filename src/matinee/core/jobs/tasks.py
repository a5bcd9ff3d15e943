"""The queue's own periodic work."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.core.jobs import queue


@task()
def forget_finished_jobs() -> int:
    return queue.forget_finished(now=timezone.now())
