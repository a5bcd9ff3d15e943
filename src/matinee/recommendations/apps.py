from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    name = "matinee.recommendations"
    label = "recommendations"

    def ready(self) -> None:
        from matinee.core.jobs import schedule  # noqa: PLC0415 - models are loaded only now
        from matinee.recommendations import freshness, tasks  # noqa: PLC0415 - models are loaded only now

        for name, every, when, is_due_at_first in (
            ("train-when-behind", dt.timedelta(minutes=15), freshness.is_behind, True),
            ("train-daily", dt.timedelta(days=1), freshness.may_have_changed, False),
        ):
            schedule.register(schedule.Periodic(name, tasks.train_model, every, when, is_due_at_first))
