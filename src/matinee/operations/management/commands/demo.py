"""`matinee demo`: real films, community ratings, a trained model, and the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from matinee.core.sqlite import version
from matinee.operations import demo, serving, web
from matinee.operations.supervisor import CannotStart

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = (
        "Load the starter films and MovieLens-100K, train a model and serve it on this machine; a second start finds "
        "all that in place. Without a network it serves what it could get, and says what it left out."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="default: %(default)s")

    def handle(self, *, port: int, **_options: Any) -> None:
        try:
            serving.free_address(HOST, port)
            if warning := version.warning():
                self._say(warning)
            serving.prepare(self._set_up, meanwhile=web.read_application)
            serving.serve(
                host=HOST,
                port=port,
                workers=serving.default_workers(),
                queues=serving.queues(),
                announce=lambda: self._say(demo.instructions(serving.url(HOST, port))),
            )
        except (serving.PortTaken, CannotStart) as error:
            raise CommandError(str(error)) from error

    def _set_up(self) -> None:
        serving.bring_up_to_date()
        demo.set_up(self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
