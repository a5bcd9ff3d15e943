from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "matinee.library"
    label = "library"

    def ready(self) -> None:
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - models are loaded only now
        from matinee.library import holdings, tasks  # noqa: PLC0415 - models are loaded only now

        holdings.register()
        register(Periodic("tell-releases", tasks.tell_releases, every=dt.timedelta(hours=1)))
