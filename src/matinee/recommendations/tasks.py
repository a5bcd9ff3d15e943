"""Work that the job worker does for recommendations."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.recommendations.freshness import MODEL_KIND


@task(queue_name=f"training:{MODEL_KIND}")
def train_model() -> str | None:
    """Returns the version in service then; None where somebody trains already, whose model will do, or the depot came
    back meanwhile, whose model will do until the next training."""
    from matinee.recommendations.training import (  # noqa: PLC0415 - its solvers are for the worker alone
        LearnedFromLess,
        TrainingUnderWay,
        train,
    )

    try:
        return train(now=timezone.now()).version
    except (TrainingUnderWay, LearnedFromLess):
        return None
