from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "matinee.core.jobs"
    label = "jobs"

    def ready(self) -> None:
        from matinee.core.jobs import schedule, tasks  # noqa: PLC0415 - models are loaded only now

        schedule.register(
            schedule.Periodic("forget-finished-jobs", tasks.forget_finished_jobs, every=dt.timedelta(hours=1))
        )
