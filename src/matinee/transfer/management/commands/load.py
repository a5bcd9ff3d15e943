"""`matinee load starter` and `matinee load movielens`: films, and community ratings to learn from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from matinee.catalog.starter import ATTRIBUTION, load_starter
from matinee.core.database import refuse_outdated_database
from matinee.core.depot import DepotAway
from matinee.core.exit_codes import STOPPED
from matinee.core.progress import progress_bars
from matinee.recommendations.community import NoSuchSet
from matinee.transfer.downloads import Unreachable
from matinee.transfer.movielens import LICENCE_NOTICE, PUBLISHED, MovielensReport, load_movielens, remove_movielens
from matinee.transfer.sources import BadDataSet


class Command(BaseCommand):
    help = "Load films, or community ratings to learn from. Loading the same again changes nothing."
    requires_system_checks = ()  # they import the whole API, which this does not need

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
        kinds.add_parser("starter", help="4,803 real films to begin with", description=f"Load films. {ATTRIBUTION}")
        movielens = kinds.add_parser(
            "movielens",
            help="community ratings of a MovieLens data set",
            description=f"Load a MovieLens data set as training data; it never makes accounts. {LICENCE_NOTICE}",
            epilog=f"Exit codes: 0 loaded or removed, {os.EX_DATAERR} the data is not right, {os.EX_NOINPUT} there is "
            f"no set of that name to remove, {os.EX_UNAVAILABLE} it can't be fetched or the depot is away, {STOPPED} "
            "stopped by Ctrl-C. A set is stored whole or not at all.",
        )
        what = movielens.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "set",
            nargs="?",
            metavar=f"{' | '.join(PUBLISHED)} | PATH | URL",
            help="a published data set by its name, or a folder or zip of yours, or the https address of one",
        )
        what.add_argument("--remove", metavar="NAME", help="take away the set that is stored under this name")
        movielens.add_argument("--file", type=Path, metavar="PATH", help="read this file instead of downloading it")

    def handle(self, *_: Any, **options: Any) -> None:
        refuse_outdated_database()
        try:
            if options["kind"] == "starter":
                self._starter()
            elif options["remove"] is not None:
                self._remove(options["remove"], options["file"])
            else:
                self._movielens(options["set"], options["file"])
        except BadDataSet as error:
            raise CommandError(error.detail, returncode=os.EX_DATAERR) from error
        except NoSuchSet as error:
            raise CommandError(error.detail, returncode=os.EX_NOINPUT) from error
        except DepotAway as error:
            raise CommandError(f"{error}. Nothing was removed.", returncode=os.EX_UNAVAILABLE) from error
        except Unreachable as error:
            raise CommandError(error.detail, returncode=os.EX_UNAVAILABLE) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped before the end. Run it again to complete it.", returncode=STOPPED) from error

    def _starter(self) -> None:
        with progress_bars() as on_progress:
            report = load_starter(now=timezone.now(), on_progress=lambda films: on_progress("Films", films, None))
        self.stdout.write(
            f"Films: {report.added:,} added, {report.changed:,} changed, {report.unchanged:,} unchanged.\n{ATTRIBUTION}"
        )

    def _movielens(self, what: str, file: Path | None) -> None:
        self.stdout.write(LICENCE_NOTICE)
        with progress_bars() as on_progress:
            report = load_movielens(what, file=file, now=timezone.now(), on_progress=on_progress)
        self.stdout.write("\n".join(_lines(report)))

    def _remove(self, name: str, file: Path | None) -> None:
        if file is not None:
            raise CommandError("--file goes with a set to load, not with --remove.", returncode=os.EX_USAGE)
        download = remove_movielens(name)
        self.stdout.write(
            f"MovieLens {name} is removed, on every node. The model in service has learned from it until another takes "
            "its place: `matinee train --force`."
        )
        if download is not None:
            self.stdout.write(f"It was fetched as {download}, which is still there.")


def _lines(report: MovielensReport) -> Iterator[str]:
    stored = "stored" if report.is_new else "already stored"
    yield (
        f"MovieLens {report.name}: {report.ratings:,} ratings by {report.people:,} people "
        f"of {report.films:,} films, {stored} as version {report.version}."
    )
    yield (
        f"In the catalogue: {report.matched_films:,} films ({report.matched_films / report.films:.1%}) "
        f"with {report.matched_ratings:,} ratings ({report.matched_ratings / report.ratings:.1%})."
    )
    if report.filled_imdb_ids:
        yield f"IMDb ids filled in: {report.filled_imdb_ids:,}."
    if report.first_unmatched:
        yield (
            f"Not in the catalogue, and so learnt from but not recommended: {'; '.join(report.first_unmatched)}; "
            f"all in {report.unmatched_file}."
        )
