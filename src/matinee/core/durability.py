"""What outlives a power cut, and a disk that is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def takes_no_more(error: BaseException) -> bool:
    """Whether what failed is a write to a disk that is full. What was written before is still there."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def sync(path: Path) -> None:
    """Have a file, or a folder's names, outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
