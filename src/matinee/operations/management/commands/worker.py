"""`matinee worker`: job workers and schedule, without the web server."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from matinee.core.database import refuse_outdated_database
from matinee.operations import courier, serving
from matinee.operations.supervisor import CannotStart, Supervisor
from matinee.tmdb import connection as tmdb
from matinee.tmdb.tasks import QUEUE as MIRROR


class Command(BaseCommand):
    help = (
        "Run jobs and the periodic schedule: one process for each queue, or, with --queue, this process for those "
        "alone (with a depot one for each of those, and the courier). SIGTERM stops it: running jobs end, or go back "
        "to the queue after a few seconds."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", action="append", choices=settings.QUEUES, help="serve this queue; repeatable")

    def handle(self, *, queue: list[str] | None, **_options: Any) -> None:
        if MIRROR in (queue or ()) and not tmdb.is_configured():
            raise CommandError(
                f"The queue {MIRROR} never has a job here: set MATINEE_TMDB_TOKEN, for this worker, too.",
                returncode=os.EX_CONFIG,
            )
        if queue and not settings.DEPOT_URL:
            refuse_outdated_database()
            serving.run_jobs(queue)
            return
        try:
            serving.prepare(_look_first)
            Supervisor([*serving.job_workers(queue or serving.queues()), *serving.couriers()]).run()
        except CannotStart as error:
            raise CommandError(str(error)) from error


def _look_first() -> None:
    refuse_outdated_database()
    courier.look_before_serving()
