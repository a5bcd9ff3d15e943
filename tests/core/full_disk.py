"""A disk that is full, for files without a name."""

from __future__ import annotations

import errno
import io
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

TEMPORARY_FILE = tempfile.TemporaryFile


class FullFile(io.FileIO):
    """Nothing can be written to it, though it can be made longer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "file", "w+")
        (folder / "file").unlink()

    def write(self, _content: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def full_after(files: int) -> Callable[[Path], IO[Any]]:
    """In place of tempfile.TemporaryFile: so many are as ever, and all others full."""
    made = itertools.count()

    def file(dir: Path) -> IO[Any]:  # noqa: A002 - as tempfile names it
        return TEMPORARY_FILE(dir=dir) if next(made) < files else FullFile(dir)

    return file
