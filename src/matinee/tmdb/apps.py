from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class TmdbConfig(AppConfig):
    name = "matinee.tmdb"
    label = "tmdb"

    def ready(self) -> None:
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - models are loaded only now
        from matinee.tmdb import connection, planning, searches, tasks  # noqa: PLC0415 - models are loaded only now

        connection.check_settings()
        minute = dt.timedelta(minutes=1)
        forget = tasks.forget_expired_searches
        register(Periodic("forget-expired-searches", forget, every=minute, when=searches.any_expired))
        if connection.is_configured():
            every = dt.timedelta(minutes=15)
            register(Periodic("mirror-tmdb", tasks.mirror, every=every, when=planning.is_due_now))
            soon = dt.timedelta(seconds=1)
            register(Periodic("search-tmdb", tasks.mirror, every=soon, when=searches.are_waiting))
