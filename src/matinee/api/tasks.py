"""Work that the job worker does for the API."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.api import idempotency


@task()
def forget_old_answers() -> int:
    return idempotency.forget_old(now=timezone.now())
