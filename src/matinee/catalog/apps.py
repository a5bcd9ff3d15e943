from __future__ import annotations

import datetime as dt

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "matinee.catalog"
    label = "catalog"

    def ready(self) -> None:
        from matinee.catalog import cards, ceiling, columns, published_postings, tasks  # noqa: PLC0415 - models are loaded only now
        from matinee.core.jobs.schedule import Periodic, register  # noqa: PLC0415 - it needs its models too

        ceiling.instance_ceiling()  # a setting that makes no sense stops the start
        every = dt.timedelta(seconds=2)
        register(Periodic("refresh-columns", tasks.refresh_columns, every=every, when=columns.refresh_is_due))
        are_stale = published_postings.postings_are_stale
        register(Periodic("refresh-postings", tasks.refresh_postings, every=every, when=are_stale))
        register(Periodic("refresh-cards", tasks.refresh_cards, every=every, when=cards.cards_are_stale))
