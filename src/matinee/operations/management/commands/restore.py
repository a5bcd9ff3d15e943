"""`matinee restore`: put a backup in the place of the database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from matinee.accounts import keys
from matinee.audit.verifying import Broken, verify
from matinee.core.exit_codes import STOPPED
from matinee.core.progress import progress_bars
from matinee.operations.backups import services
from matinee.operations.backups.refusals import NotDone

BROKEN_TRAIL = 3


class Command(BaseCommand):
    help = (
        "Verify a backup, bring it to this program's migrations, and put it in the place of the database in one step: "
        "whoever stops it on the way finds the old one. A backup of SQLite goes into PostgreSQL, too, where "
        "MATINEE_DATABASE_URL names one; the reverse is refused. Everybody signs in again. Then its audit trail is "
        f"verified. Exit codes: 0 restored, {BROKEN_TRAIL} restored, and the trail in it is not what was sealed, "
        f"{os.EX_DATAERR} the file is not acceptable, {os.EX_NOINPUT} it can't be read, "
        f"{os.EX_UNAVAILABLE} a program of PostgreSQL is missing, {os.EX_SOFTWARE} one failed, {os.EX_CANTCREAT} there "
        f"is something in the place already, or no space, {os.EX_TEMPFAIL} another is under way, {os.EX_NOPERM} the "
        f"role may not create databases, {STOPPED} Ctrl-C."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="what `matinee backup` made")
        parser.add_argument("--replace", action="store_true", help="give up the accounts and films that are there")
        parser.add_argument(
            "--unsealed",
            action="store_true",
            help="take it without its seal, where the secret is lost: who could write to the file may have changed it",
        )

    def handle(self, *, file: Path, replace: bool, unsealed: bool, **_options: Any) -> None:
        if not os.access(file, os.R_OK) or not file.is_file():
            raise CommandError(f"{file} can't be read.", returncode=os.EX_NOINPUT)
        try:
            with progress_bars(otherwise=lambda stage: self.stderr.write(f"{stage} ...")) as on_progress:
                manifest = services.restore(
                    file=file, replace=replace, unsealed=unsealed, now=timezone.now(), on_progress=on_progress
                )
        except NotDone as refusal:
            raise CommandError(str(refusal), returncode=refusal.exit_code) from refusal
        except OSError as error:
            raise CommandError(f"Not restored: {error}.", returncode=os.EX_CANTCREAT) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped before the end. Nothing was changed.", returncode=STOPPED) from error
        self.stdout.write(
            f"Restored as of {manifest.made_at}: {sum(manifest.rows.values()):,} rows. Everybody signs in again."
        )
        if lost := keys.lost():
            self.stderr.write(
                f"Bios and birth dates can't be read: the master key {', '.join(lost)} is missing. Add it to "
                "MATINEE_ENCRYPTION_KEYS or, without that setting, to encryption-keys in the data directory."
            )
        for name in manifest.community:
            self.stdout.write(
                f"Community ratings are not in a backup: `matinee load movielens {name}`, if they are gone."
            )
        self._verify_trail()

    def _verify_trail(self) -> None:
        """The data stay: a trail that is broken in a backup was so before it, and the old database is gone."""
        try:
            with progress_bars(otherwise=lambda stage: self.stderr.write(f"{stage} ...")) as on_progress:
                on_progress("Verifying the audit trail", 0, None)
                report = verify()
        except Broken as broken:
            raise CommandError(
                f"Restored, but the audit trail in this backup is not what was sealed. {broken} It was so before the "
                "backup was made, or whoever had the file changed it: docs/audit.md tells what that means.",
                returncode=BROKEN_TRAIL,
            ) from None
        except KeyboardInterrupt as error:
            raise CommandError(
                "Restored. Stopped before the audit trail was verified: `matinee audit verify`.", returncode=STOPPED
            ) from error
        self.stdout.write(
            f"The audit trail is whole: {report.events:,} events in {report.segments - report.dropped:,} segments."
        )
