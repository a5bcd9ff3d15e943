"""Work that the job worker does for recommendations."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.recommendations.training import train


@task(queue_name="training")
def train_model() -> str:
    """Returns the published version."""
    return train(now=timezone.now()).version
