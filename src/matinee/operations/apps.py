from __future__ import annotations

import datetime as dt

from django.apps import AppConfig
from django.core import checks


class OperationsConfig(AppConfig):
    name = "matinee.operations"
    label = "operations"

    def ready(self) -> None:
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - models are loaded only now
        from matinee.operations import tasks  # noqa: PLC0415 - models are loaded only now
        from matinee.operations.metrics import STARTED  # noqa: PLC0415 - models are loaded only now
        from matinee.operations.spelling import known_settings  # noqa: PLC0415 - settings have been read only now

        checks.register(known_settings)
        STARTED.set_to_current_time()
        register(Periodic("forget-unwanted-layouts", tasks.forget_unwanted_layouts, every=dt.timedelta(hours=1)))
