"""The command line: Django's own, in which a command that needs the tables of this program says so in our words."""

from __future__ import annotations

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand

from matinee.core.database import refuse_outdated_database


class Commands(ManagementUtility):
    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Some of Django's warn of migrations that wait, name another program, and end in the database's error."""
        command = super().fetch_command(subcommand)
        command.check_migrations = refuse_outdated_database  # type: ignore[method-assign] # the warning's own place
        return command
