"""Why a backup or a restore was not done. Each message is a sentence for the operator, each kind an exit code."""

from __future__ import annotations

import os
from typing import ClassVar


class NotDone(Exception):
    """Nothing was changed."""

    exit_code: ClassVar[int] = 1


class BadArchive(NotDone):
    """It is damaged, tampered with, of another secret, or not for this program or database."""

    exit_code = os.EX_DATAERR


class WouldOverwrite(NotDone):
    """There is something in the place already."""

    exit_code = os.EX_CANTCREAT


class NothingToSave(NotDone):
    """The database that the settings name holds no tables."""

    exit_code = os.EX_NOINPUT


class ToolMissing(NotDone):
    """One of PostgreSQL's own programs is not there."""

    exit_code = os.EX_UNAVAILABLE


class ToolFailed(NotDone):
    """One of PostgreSQL's own programs ended with an error."""

    exit_code = os.EX_SOFTWARE


class UnderWay(NotDone):
    """Another backup or restore is being made in this place."""

    exit_code = os.EX_TEMPFAIL


class MayNotCreateDatabases(NotDone):
    """The role has no right to make the database that is needed beside the live one."""

    exit_code = os.EX_NOPERM
