"""Work that the job worker does for accounts."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.accounts import guard, sessions


@task()
def forget_expired_sessions() -> int:
    """Returns how many rows went."""
    return sessions.forget_expired(now=timezone.now())


@task()
def forget_old_guesses() -> int:
    """Returns how many rows went."""
    return guard.forget_old(now=timezone.now())
