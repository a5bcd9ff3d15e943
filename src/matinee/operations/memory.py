"""What the C library is told about memory before a process of ours starts."""

KEPT_BYTES = 64 * 2**20
KEEP_MEMORY = {name: str(KEPT_BYTES) for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")}
"""Tells glibc to keep so much freed memory. An answer needs arrays of some 100 KB each; given back to the kernel after
each answer, they are fetched and zeroed page by page for the next, which takes as long as all the rest of it."""
