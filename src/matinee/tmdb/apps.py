from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class TmdbConfig(AppConfig):
    name = "matinee.tmdb"
    label = "tmdb"

    def ready(self) -> None:
        from matinee.tmdb import connection  # noqa: PLC0415 - models are loaded only now

        connection.check_settings()
        if connection.is_configured():
            from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - as above
            from matinee.tmdb import planning, searches, tasks  # noqa: PLC0415 - as above

            every = dt.timedelta(minutes=15)
            register(Periodic("mirror-tmdb", tasks.mirror, every=every, when=planning.is_due_now))
            soon = dt.timedelta(seconds=1)
            register(Periodic("search-tmdb", tasks.mirror, every=soon, when=searches.are_waiting))
