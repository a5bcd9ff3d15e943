"""`matinee backup`: a verified archive of the database, made while it is served."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from matinee.core.exit_codes import STOPPED
from matinee.core.progress import progress_bars
from matinee.operations.backups import services
from matinee.operations.backups.refusals import NotDone


class Command(BaseCommand):
    help = (
        "Write an archive of the database into DIR while others go on writing, restore it once beside the live one, "
        "and only then give it its name. Not in there: artifacts, community ratings, and two "
        "secrets to keep elsewhere, secret-key and encryption-keys (or MATINEE_SECRET_KEY and "
        "MATINEE_ENCRYPTION_KEYS). "
        f"Exit codes: 0 made, {os.EX_NOINPUT} the database holds no tables, {os.EX_UNAVAILABLE} a program of "
        f"PostgreSQL is missing, {os.EX_SOFTWARE} one failed, {os.EX_CANTCREAT} DIR can't be written, "
        f"{os.EX_TEMPFAIL} another one is under way, {STOPPED} Ctrl-C."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="made where it is missing")

    def handle(self, *, folder: Path, **_options: Any) -> None:
        try:
            with progress_bars(otherwise=lambda stage: self.stderr.write(f"{stage} ...")) as on_progress:
                made = services.backup(folder=folder, now=timezone.now(), on_progress=on_progress)
        except NotDone as refusal:
            raise CommandError(str(refusal), returncode=refusal.exit_code) from refusal
        except OSError as error:
            raise CommandError(f"{folder} can't be written: {error.strerror}.", returncode=os.EX_CANTCREAT) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped before the end. Nothing was left.", returncode=STOPPED) from error
        rows = sum(made.manifest.rows.values())
        verified = (
            "restored once and found sound" if made.was_restored else "read to its end (this role may not restore it)"
        )
        self.stdout.write(f"{made.path}: {rows:,} rows, {made.path.stat().st_size:,} bytes, {verified}.")
        self.stdout.write(
            "Keep two secrets apart from it: without secret-key (MATINEE_SECRET_KEY) it is taken back by --unsealed "
            "alone, and without encryption-keys (MATINEE_ENCRYPTION_KEYS) nobody reads bios and birth dates again."
        )
