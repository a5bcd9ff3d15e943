"""`matinee tmdb sync`, `matinee tmdb status`, and `matinee tmdb stand-in`, a TMDb on this machine for development."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from matinee.catalog.models import Movie
from matinee.catalog.starter import ATTRIBUTION, starter_content, starter_facts
from matinee.core.database import refuse_outdated_database
from matinee.core.exit_codes import STOPPED
from matinee.tmdb import connection
from matinee.tmdb.failures import TokenRefused
from matinee.tmdb.lease import AlreadyRunning, MirrorLeaseLost
from matinee.tmdb.stand_in.faults import KINDS, Fault, refuse_odd_share
from matinee.tmdb.stand_in.films import Films, Payload, film_of
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.status import Status, read_status
from matinee.tmdb.sync import Progress, TmdbUnwell, synchronise

FILMS_A_LINE = 1_000
WITHOUT_A_TOKEN = "TMDb is not configured: set MATINEE_TMDB_TOKEN to the read access token of a TMDb account."  # noqa: S105 - a sentence


class Command(BaseCommand):
    help = "Mirror TMDb, tell how fresh the mirror is, or stand in for TMDb."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="WHAT")
        sync = actions.add_parser(
            "sync",
            help="mirror TMDb now",
            description="Fill the catalogue with TMDb's most popular films the first time, then take in what changed. "
            f"A run that is stopped, even killed, is gone on with by the next one. {ATTRIBUTION}",
            epilog=f"Exit codes: 0 all is in, {os.EX_UNAVAILABLE} TMDb does not answer (the next run goes on), "
            f"{os.EX_TEMPFAIL} another run is under way, {os.EX_NOPERM} TMDb refuses the token, "
            f"{os.EX_CONFIG} there is no token, {STOPPED} stopped by Ctrl-C.",
        )
        sync.add_argument("--full", action="store_true", help="ask for every film again, not only for changed ones")
        actions.add_parser("status", help="how fresh the mirror is")
        stand_in = actions.add_parser(
            "stand-in",
            help="a TMDb on this machine, for development",
            description="Answer as TMDb's OpenAPI says, out of the starter films or a file, until Ctrl-C. "
            f"It fails on demand: curl -X PUT 'http://127.0.0.1:8003/faults?kind=slow&seconds=2'. {ATTRIBUTION}",
            epilog=f"Exit codes: {os.EX_USAGE} --share is none, {os.EX_DATAERR} a line of the file is no film, "
            f"{os.EX_NOINPUT} the file can't be read, {os.EX_UNAVAILABLE} the port is taken, {STOPPED} stopped by "
            "Ctrl-C.",
        )
        stand_in.add_argument("--port", type=int, default=8003, help="default: %(default)s")
        stand_in.add_argument(
            "--films", type=Path, metavar="FILE", help="films as TMDb gives them, one JSON object a line; .gz or plain"
        )
        stand_in.add_argument("--fault", choices=sorted(KINDS), help="fail so from the start")
        stand_in.add_argument(
            "--share", type=float, default=1.0, help="of the requests that fail, from 0 to 1 (default: all)"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if options["action"] == "stand-in":
            self._stand_in(options["port"], options["films"], options["fault"], options["share"])
            return
        refuse_outdated_database()
        if options["action"] == "sync":
            self._sync(full=options["full"])
        else:
            self.stdout.write("\n".join(_lines(read_status(now=timezone.now()))))

    def _sync(self, *, full: bool) -> None:
        if not connection.is_configured():
            raise CommandError(WITHOUT_A_TOKEN, returncode=os.EX_CONFIG)
        try:
            with self._progress() as on_progress:
                stored = synchronise(
                    connection.new_client(),
                    scope=connection.scope(),
                    clock=timezone.now,
                    full=full,
                    on_progress=on_progress,
                )
        except (AlreadyRunning, MirrorLeaseLost) as refusal:
            raise CommandError(str(refusal), returncode=os.EX_TEMPFAIL) from refusal
        except TmdbUnwell as refusal:
            raise CommandError(refusal.detail, returncode=os.EX_UNAVAILABLE) from refusal
        except TokenRefused as refusal:
            raise CommandError(str(refusal), returncode=os.EX_NOPERM) from refusal
        except KeyboardInterrupt as error:
            raise CommandError("Stopped before the end. The next run goes on from here.", returncode=STOPPED) from error
        self.stdout.write(
            f"Films: {stored.added:,} added, {stored.changed:,} changed, {stored.unchanged:,} unchanged, "
            f"{stored.withdrawn:,} withdrawn, {stored.quarantined:,} set aside.\n{ATTRIBUTION}"
        )

    @contextlib.contextmanager
    def _progress(self) -> Iterator[Callable[[Progress], None]]:
        """A bar where a person watches, a line now and then where nobody does."""
        if sys.stderr.isatty():
            with tqdm(desc="Films", unit="", unit_scale=True) as bar:

                def advance(progress: Progress) -> None:
                    bar.total = bar.n + progress.done + progress.left
                    bar.update(progress.done)

                yield advance
            return
        done = 0

        def tell(progress: Progress) -> None:
            nonlocal done
            if not done or (done + progress.done) // FILMS_A_LINE > done // FILMS_A_LINE:
                self.stdout.write(f"{progress.left:,} films are left to ask for.")
                self.stdout.flush()
            done += progress.done

        yield tell

    def _stand_in(self, port: int, path: Path | None, fault: str | None, share: float) -> None:
        try:
            refuse_odd_share(share)
        except ValueError as error:
            raise CommandError(f"--share: {error}", returncode=os.EX_USAGE) from error
        films = Films(_starter_films() if path is None else _films_in(path))
        try:
            server = StandIn(films, port=port)
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {port} can't be used: {error}.", returncode=os.EX_UNAVAILABLE) from error
        if fault is not None:
            server.faults.put(Fault(fault, share=share))
        self.stdout.write(f"{len(films.by_id):,} films at {server.url}/3/. Ctrl-C stops it.")
        self.stdout.flush()
        try:
            with server:
                server.serve_forever()
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=STOPPED) from error


def _lines(status: Status) -> Iterator[str]:
    yield f"Films in the catalogue: {Movie.objects.count():,}."
    if not status.configured:
        yield WITHOUT_A_TOKEN
    yield f"Last filled: {_told(status.filled_at)}."
    yield f"Changes are in up to the end of: {status.changes_up_to or 'no day'}."
    yield f"Popular, upcoming and now playing films: {_told(status.lists_at)}."
    yield f"Last run that left nothing to ask for: {_told(status.finished_at)}."
    yield f"Left to ask for: {status.left:,}. Set aside, since their answers could not be used: {status.quarantined:,}."
    yield f"Running at this moment: {status.running or 'no'}."
    if status.resting_until is not None:
        yield f"TMDb has failed too often in a row, and is not asked before {status.resting_until:%H:%M:%S} UTC."


def _told(instant: dt.datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else "never"


def _starter_films() -> Iterator[Payload]:
    genres = {int(id_): name for id_, name in starter_content()["genres"].items()}
    return (film_of(facts, genres) for facts in starter_facts())


def _films_in(path: Path) -> Iterator[Payload]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield _film(line, place=f"Line {number} of {path}")
    except (OSError, EOFError, zlib.error) as error:
        raise CommandError(f"{path} can't be read: {error}.", returncode=os.EX_NOINPUT) from error


def _film(line: bytes, *, place: str) -> Payload:
    try:
        film = json.loads(line)
        return {**film, "id": int(film["id"])}
    except (ValueError, TypeError, LookupError) as error:
        raise CommandError(f"{place} is no film.", returncode=os.EX_DATAERR) from error
