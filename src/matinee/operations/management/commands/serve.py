"""`matinee serve`: web server, job workers and schedule in one process tree."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from matinee.core.sqlite import version
from matinee.operations import serving, web
from matinee.operations.supervisor import CannotStart


class Command(BaseCommand):
    help = "Bring the database up to date and serve, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address or name to listen at (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="default: %(default)s")
        parser.add_argument(
            "--workers", type=int, default=serving.default_workers(), help="web processes (here: %(default)s)"
        )
        parser.add_argument("--web-only", action="store_true", help="leave jobs and schedule to `matinee worker`")

    def handle(self, *, host: str, port: int, workers: int, web_only: bool, **_options: Any) -> None:
        if workers < 1:
            raise CommandError("Nobody would answer: --workers is 1 or more.")
        try:
            address = serving.free_address(host, port)
            if warning := version.warning():
                self.stderr.write(self.style.WARNING(warning))
            serving.prepare(serving.bring_up_to_date, meanwhile=web.read_application)
            serving.serve(
                host=address,
                port=port,
                workers=workers,
                queues=[] if web_only else serving.queues(),
                announce=lambda: self._announce(host, port),
            )
        except (serving.PortTaken, CannotStart) as error:
            raise CommandError(str(error)) from error

    def _announce(self, host: str, port: int) -> None:
        here = serving.url(host, port)
        self.stdout.write(f"Matinee answers at {here} (its reference: {here}/api/docs). Ctrl-C stops it.")
        self.stdout.flush()
