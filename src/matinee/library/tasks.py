"""Work that the job worker does for the library."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.library import releases


@task()
def tell_releases() -> int:
    """Returns how many mails are to be sent."""
    return releases.tell_releases(now=timezone.now())
