"""Work that the job worker does for operations."""

from __future__ import annotations

from django_tasks import task

from matinee.operations import layouts


@task()
def forget_unwanted_layouts() -> None:
    layouts.forget_unwanted()
