"""Work that a job worker of its own does for the mirror. Imported only where TMDb is configured."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.tmdb import connection, sync

QUEUE = "mirror"


@task(queue_name=QUEUE)
def mirror() -> None:
    sync.run_scheduled(connection.new_client(), wishes=connection.wishes(), clock=timezone.now)
