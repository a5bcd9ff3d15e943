"""A database and an index of the benchmark's own, in a folder that goes with it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from benchmarks.paths import SHARED


@contextmanager
def instance() -> Iterator[None]:
    """Django, set up on a fresh folder; what imports models is imported within."""
    with tempfile.TemporaryDirectory(prefix="matinee-search-") as folder:
        for name in [name for name in os.environ if name.startswith("MATINEE_") and name != "MATINEE_SHARED_DATA"]:
            del os.environ[name]
        os.environ |= {
            "MATINEE_DATA_DIR": folder,
            "MATINEE_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "matinee.settings",
        }
        django.setup()
        yield


def shared() -> Path:
    """Where the real films lie; ends the program where they do not."""
    if not SHARED.is_dir():
        sys.exit(f"The real films are not there: {SHARED}. MATINEE_SHARED_DATA names their folder.")
    return SHARED
