from __future__ import annotations

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "matinee.library"
    label = "library"

    def ready(self) -> None:
        from matinee.library import holdings  # noqa: PLC0415 - models are loaded only now

        holdings.register()
