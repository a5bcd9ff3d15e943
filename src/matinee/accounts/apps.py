from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "matinee.accounts"
    label = "accounts"

    def ready(self) -> None:
        from matinee.accounts import tasks  # noqa: PLC0415 - models are loaded only now
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - the same

        register(Periodic("forget-expired-sessions", tasks.forget_expired_sessions, every=dt.timedelta(days=1)))
        register(Periodic("forget-expired-letters", tasks.forget_expired_letters, every=dt.timedelta(hours=1)))
