"""Work for the mirror, which a job worker of its own does, and what is done whether or not TMDb is configured."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.tmdb import connection, searches, sync

QUEUE = "mirror"


@task(queue_name=QUEUE)
def mirror() -> None:
    sync.run_scheduled(connection.new_client(), scope=connection.scope(), clock=timezone.now)


@task()
def forget_expired_searches() -> int:
    """Returns how many rows went."""
    return searches.forget_expired(now=timezone.now())
