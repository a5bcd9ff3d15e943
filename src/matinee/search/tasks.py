"""Work that the job worker does for search."""

from __future__ import annotations

from django_tasks import task

from matinee.search import index


@task(queue_name=f"indexing:{index.KIND}")
def refresh_index() -> None:
    index.follow_catalogue()
