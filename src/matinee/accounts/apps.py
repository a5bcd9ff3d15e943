from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "matinee.accounts"
    label = "accounts"

    def ready(self) -> None:
        from matinee.accounts import export_tasks, holdings, letter_tasks, tasks  # noqa: PLC0415 - models are loaded only now
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - models are loaded only now

        holdings.register()
        hour = dt.timedelta(hours=1)
        register(Periodic("forget-expired-exports", export_tasks.forget_expired_exports, every=hour))
        register(Periodic("forget-expired-sessions", tasks.forget_expired_sessions, every=dt.timedelta(days=1)))
        register(Periodic("forget-expired-letters", letter_tasks.forget_expired_letters, every=hour))
        register(Periodic("forget-old-guesses", tasks.forget_old_guesses, every=dt.timedelta(days=1)))
