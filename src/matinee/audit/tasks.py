"""Work that the job worker does for the trail."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.audit import retention, sealing


@task(priority=50)
def seal_audit_trail() -> int:
    """Returns how many events were sealed."""
    return sealing.seal(now=timezone.now())


@task()
def drop_old_audit_segments() -> int:
    """Returns how many segments went."""
    return retention.drop_expired(now=timezone.now())
