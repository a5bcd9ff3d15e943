"""`matinee courier`: fetches for this node what others published; `serve` and `worker` run it by themselves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matinee.core.database import refuse_outdated_database
from matinee.operations import courier
from matinee.operations.reporting import begin


class Command(BaseCommand):
    help = "Fetch what other nodes publish, until SIGTERM. `matinee serve` and `matinee worker` run it by themselves."
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        refuse_outdated_database()
        begin()
        try:
            courier.run()
        except courier.NoDepot as error:
            raise CommandError(str(error)) from error
