"""`matinee audit verify`: whether the trail is what was sealed."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from matinee.audit.anchor import accept_restore
from matinee.audit.verifying import Broken, verify
from matinee.core.database import refuse_outdated_database


class Command(BaseCommand):
    help = (
        "verify: go through the audit trail; exit code 0 where every sealed event stands as it was sealed, 65 where "
        "not, with the first place named. accept-restore: after an older backup was restored, take the trail as it is "
        "now for whole; an event says so."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("verify", "accept-restore"))

    def handle(self, *, what: str, **_options: Any) -> None:
        refuse_outdated_database()
        if what == "verify":
            self._verify()
        else:
            self._accept_restore()

    def _verify(self) -> None:
        try:
            report = verify()
        except Broken as broken:
            raise CommandError(str(broken), returncode=os.EX_DATAERR) from None
        self.stdout.write(
            f"The trail is whole: {report.events:,} events in {report.segments - report.dropped:,} segments, "
            f"{report.dropped:,} older segments dropped, {report.unsealed:,} events not sealed yet.\n"
            f"Newest root: {report.root}"
        )

    def _accept_restore(self) -> None:
        accept_restore(now=timezone.now())
        self.stdout.write("The trail is taken as it is now.")
