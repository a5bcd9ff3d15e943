from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "matinee.search"
    label = "search"

    def ready(self) -> None:
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - models are loaded only now
        from matinee.search import index, tasks  # noqa: PLC0415 - models are loaded only now

        every = dt.timedelta(seconds=0.5)
        register(Periodic("refresh-search-index", tasks.refresh_index, every=every, when=index.refresh_is_due))
