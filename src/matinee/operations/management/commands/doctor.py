"""`matinee doctor`: is this installation well, and if not, what to do."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from matinee import __version__
from matinee.operations import doctor
from matinee.operations.checks import Check, State

WELL, PROBLEMS, WARNINGS = 0, 1, 3
EXIT_CODES: dict[State, int] = {"ok": WELL, "problem": PROBLEMS, "warning": WARNINGS}


class Command(BaseCommand):
    help = (
        "Look at configuration, secrets, database, artifacts, jobs, clock and disk; each is ok, or says what to do. "
        f"Nothing is changed. Exit codes: {WELL} all is well, {WARNINGS} warnings alone, {PROBLEMS} a problem."
    )
    requires_system_checks = ()  # they are one of the things it looks at

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="for programs: one JSON object")

    def handle(self, *, as_json: bool, **_options: Any) -> None:
        found = []
        for check in doctor.examine(now=timezone.now()):
            found.append(check)
            if not as_json:
                self._tell(check)
        worst = _worst(found)
        if as_json:
            checks = [
                {
                    "name": each.name,
                    "state": each.state,
                    "detail": each.detail,
                    "advice": None if each.ok else each.advice,
                }
                for each in found
            ]
            self.stdout.write(json.dumps({"version": __version__, "state": worst, "checks": checks}, indent=1))
        if worst != "ok":
            sys.exit(EXIT_CODES[worst])

    def _tell(self, check: Check) -> None:
        style = {"ok": self.style.SUCCESS, "warning": self.style.WARNING, "problem": self.style.ERROR}[check.state]
        self.stdout.write(f"{style(f'{check.state:8}')} {check.name:20} {check.detail}")
        if not check.ok:
            self.stdout.write(f"{'':29} -> {check.advice}")
        self.stdout.flush()


def _worst(checks: list[Check]) -> State:
    states = {check.state for check in checks}
    return "problem" if "problem" in states else "warning" if "warning" in states else "ok"
