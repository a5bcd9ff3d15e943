"""What a backup needs of a database, whichever of the two it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections

from matinee.core.progress import Progress

STAGED = "staged"
"""Django's name for the database that stands beside the live one while it is verified."""


@dataclass(frozen=True)
class Content:
    """What a copy holds, read in the very snapshot that was copied."""

    rows: dict[str, int]
    """Table → number of rows."""
    migrations: list[list[str]]
    """[app, name] of each that was applied."""


@dataclass(frozen=True)
class Staged:
    """A database of its own, made of a copy."""

    settings: Mapping[str, Any]
    """As Django takes them."""
    put_in_place: Callable[[], None]
    """Let it take the place of the live database, in one step: whoever is killed on the way leaves the old one."""


class Restorer(Protocol):
    """Takes a copy that was made of one kind of database."""

    def staged(self, copy: Path, on_progress: Progress) -> AbstractContextManager[Staged]:
        """Make a database of a copy; it is gone at the end. Raises MayNotCreateDatabases."""

    def faults(self) -> list[str]:
        """What is wrong inside the staged database, a sentence each."""


class DatabaseEngine(Restorer, Protocol):
    def copy(self, target: Path, on_progress: Progress) -> Content:
        """Copy the live database, in which others may write, as it is at one moment after the call."""


def migrate(alias: str) -> None:
    """Bring a database to this program's migrations. Some of other packages write to the default one, whichever is
    migrated: that is this one meanwhile."""
    live = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connections[alias]
    try:
        call_command("migrate", database=alias, interactive=False, verbosity=0)
    finally:
        connections[DEFAULT_DB_ALIAS] = live


@contextlib.contextmanager
def known_to_django(staged: Staged) -> Iterator[str]:
    """Its alias, for as long as the context lasts."""
    connections.databases[STAGED] = dict(staged.settings)
    try:
        yield STAGED
    finally:
        connections[STAGED].close()
        del connections[STAGED]
        del connections.databases[STAGED]
