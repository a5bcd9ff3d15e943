"""`matinee worker`: job workers and schedule, without the web server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from matinee.core.jobs.worker import Worker
from matinee.operations import serving
from matinee.operations.courier import look_before_serving
from matinee.operations.reporting import start_reporting
from matinee.operations.supervisor import CannotStart, Supervisor


class Command(BaseCommand):
    help = (
        "Run jobs and the periodic schedule: one process for each queue, or, with --queue, this process for those "
        "alone (with a depot one for each of those, and the courier). SIGTERM stops it: running jobs end, or go back "
        "to the queue after a few seconds."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", action="append", choices=serving.queues(), help="serve this queue; repeatable")
        parser.add_argument(
            "--no-courier",
            action="store_true",
            help="with --queue: leave what other nodes publish to a courier that runs on this node already",
        )

    def handle(self, *, queue: list[str] | None, no_courier: bool, **_options: Any) -> None:
        if queue and (no_courier or not settings.DEPOT_URL):
            start_reporting()
            Worker(queues=queue).run()
            return
        look_before_serving()
        connection.close()
        try:
            Supervisor([*serving.job_workers(queue or serving.queues()), *serving.couriers()]).run()
        except CannotStart as error:
            raise CommandError(str(error)) from error
