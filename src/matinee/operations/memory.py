"""What the C library is told about memory by a process that answers requests."""

from __future__ import annotations

import ctypes
import sys

KEPT_BYTES = 32 * 2**20
ARENAS = 2
"""glibc makes 16 where there are two cores, and each keeps what the threads that use it freed."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # from glibc's <malloc.h>


def keep_memory() -> None:
    """Have glibc keep so much freed memory. An answer needs arrays of some 100 KB each; given back to the kernel after
    each answer, they are fetched and zeroed page by page for the next, which takes as long as all the rest of it."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # another C library has none
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_ARENA_MAX, ARENAS)
