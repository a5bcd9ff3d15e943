"""`matinee tmdb stand-in`: a TMDb on this machine, for development."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from matinee.catalog.starter import ATTRIBUTION, starter_content
from matinee.tmdb.stand_in.faults import KINDS, Fault
from matinee.tmdb.stand_in.films import Films, Payload, films_of_starter
from matinee.tmdb.stand_in.server import StandIn

BAD_DATA, NO_INPUT, NO_PORT, STOPPED = 65, 66, 69, 130  # EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, 128 + SIGINT


class Command(BaseCommand):
    help = "TMDb, and a stand-in for it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="WHAT")
        stand_in = actions.add_parser(
            "stand-in",
            help="a TMDb on this machine, for development",
            description="Answer as TMDb's OpenAPI says, out of the starter films or a file, until Ctrl-C. "
            f"It fails on demand: curl -X PUT 'http://127.0.0.1:8003/faults?kind=slow&seconds=2'. {ATTRIBUTION}",
            epilog=f"Exit codes: {BAD_DATA} a line of the file is no film, {NO_INPUT} the file can't be read, "
            f"{NO_PORT} the port is taken, {STOPPED} stopped by Ctrl-C.",
        )
        stand_in.add_argument("--port", type=int, default=8003, help="default: %(default)s")
        stand_in.add_argument(
            "--films", type=Path, metavar="FILE", help="films as TMDb gives them, one JSON object a line; .gz or plain"
        )
        stand_in.add_argument("--fault", choices=sorted(KINDS), help="fail so from the start")
        stand_in.add_argument("--share", type=float, default=1.0, help="of the requests that fail (default: all)")

    def handle(self, *_: Any, **options: Any) -> None:
        self._stand_in(options["port"], options["films"], options["fault"], options["share"])

    def _stand_in(self, port: int, path: Path | None, fault: str | None, share: float) -> None:
        films = Films(films_of_starter(starter_content()) if path is None else _films_in(path))
        try:
            server = StandIn(films, port=port)
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {port} can't be used: {error}.", returncode=NO_PORT) from error
        if fault is not None:
            server.faults.put(Fault(fault, share=share))
        self.stdout.write(f"{len(films.by_id):,} films at {server.url}/3/. Ctrl-C stops it.")
        self.stdout.flush()
        try:
            with server:
                server.serve_forever()
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=STOPPED) from error


def _films_in(path: Path) -> Iterator[Payload]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield _film(line, place=f"Line {number} of {path}")
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error}.", returncode=NO_INPUT) from error


def _film(line: bytes, *, place: str) -> Payload:
    try:
        film = json.loads(line)
        return {**film, "id": int(film["id"])}
    except (ValueError, TypeError, LookupError) as error:
        raise CommandError(f"{place} is no film.", returncode=BAD_DATA) from error
