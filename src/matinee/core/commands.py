"""The command line: Django's own, in which a command that needs the tables of this program says so in our words."""

from __future__ import annotations

import textwrap

from django.core.management import ManagementUtility, get_commands
from django.core.management.base import BaseCommand

from matinee.core.database import refuse_outdated_database

OURS = "matinee."
WIDTH, INDENT = 110, 14


class Commands(ManagementUtility):
    def main_help_text(self, commands_only: bool = False) -> str:  # noqa: FBT001, FBT002 - as Django calls it
        """Our commands with what each does, then the names of Django's."""
        if commands_only:
            return super().main_help_text(commands_only=True)
        ours = sorted(name for name, package in get_commands().items() if package.startswith(OURS))
        djangos = sorted(get_commands().keys() - set(ours))
        return "\n".join(
            [
                f"`{self.prog_name} COMMAND --help` tells all of one.",
                "",
                *(_told(f"  {name:{INDENT - 2}}", _first_sentence(self.fetch_command(name).help)) for name in ours),
                "",
                _told("Django's:".ljust(INDENT), " ".join(djangos)),
            ]
        )

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Some of Django's warn of migrations that wait, name another program, and end in the database's error."""
        command = super().fetch_command(subcommand)
        command.check_migrations = refuse_outdated_database  # type: ignore[method-assign] # the warning's own place
        return command


def _first_sentence(text: str) -> str:
    sentence, stop, _ = text.partition(". ")
    return sentence + stop.rstrip()


def _told(name: str, text: str) -> str:
    lines = textwrap.wrap(text, WIDTH, initial_indent=name, subsequent_indent=" " * INDENT, break_on_hyphens=False)
    return "\n".join(lines)
