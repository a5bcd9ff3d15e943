"""`matinee rotate-keys`: people's data keys under the newest master key."""  # noqa: N999 - the command's name

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from matinee.accounts import keys, master_keys
from matinee.core.ciphers import Unreadable
from matinee.core.database import refuse_outdated_database


class Command(BaseCommand):
    help = (
        "Seal every person's data key under the newest master key, while the service runs. An instance that keeps its "
        "own keys makes a new one first; where MATINEE_ENCRYPTION_KEYS is set, the first of it is the newest. "
        f"Exit codes: 0 no data key is under an older one, {os.EX_DATAERR} a master key is lost."
    )

    def handle(self, **_options: Any) -> None:
        refuse_outdated_database()
        try:
            sealed = keys.rotate(now=timezone.now())
        except Unreadable as error:
            raise CommandError(str(error), returncode=os.EX_DATAERR) from None
        self.stdout.write(f"{sealed:,} data keys are sealed anew, under the master key {master_keys.newest()[0]}.")
