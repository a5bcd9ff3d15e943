"""A tree of processes that is about to stop goes on for a while, so that whoever sends it requests can stop first.

Its supervisor marks the folder that the tree's processes share. From then on readiness is refused, and every answer
ends its connection: one that is kept would else be closed just as the next request is on its way.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from matinee.core.processes import SHARED_FOLDER

MARK = "draining"


def begin_draining(folder: Path) -> None:
    with contextlib.suppress(OSError):  # on a full disk it stops without
        (folder / MARK).touch()


def is_draining() -> bool:
    """Asked with every request, and so without a Path, which takes several microseconds."""
    folder = os.environ.get(SHARED_FOLDER)
    return folder is not None and os.access(f"{folder}/{MARK}", os.F_OK)
