"""Work that the job worker does for recommendations."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task


@task(queue_name="training")
def train_model() -> str:
    """Returns the published version."""
    from matinee.recommendations.training import train  # noqa: PLC0415 - its solvers are for the worker alone

    return train(now=timezone.now()).version
