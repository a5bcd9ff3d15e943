from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "matinee.audit"
    label = "audit"

    def ready(self) -> None:
        from matinee.audit import sealing, tasks  # noqa: PLC0415 - models are loaded only now
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - models are loaded only now

        seconds, day = dt.timedelta(seconds=3), dt.timedelta(days=1)
        register(Periodic("seal-audit-trail", tasks.seal_audit_trail, every=seconds, when=sealing.has_unsealed))
        register(Periodic("drop-old-audit-segments", tasks.drop_old_audit_segments, every=day))
