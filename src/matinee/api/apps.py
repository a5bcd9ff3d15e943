from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "matinee.api"
    label = "api"

    def ready(self) -> None:
        from matinee.accounts.privacy import left_out  # noqa: PLC0415 - models are loaded only now
        from matinee.api import tasks  # noqa: PLC0415 - models are loaded only now
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - models are loaded only now

        left_out("api.KeptAnswer", "Answers that were given already, kept for a day for who did not get them.")
        register(Periodic("forget-old-answers", tasks.forget_old_answers, every=dt.timedelta(hours=1)))
