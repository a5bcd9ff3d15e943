"""Work that the job worker does for exports."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.accounts import export_files


@task()
def make_export(export_id: int) -> None:
    export_files.make(export_id=export_id, now=timezone.now())


@task()
def forget_expired_exports() -> int:
    """Returns how many rows went."""
    return export_files.forget_expired(now=timezone.now())
