"""Real answers of TMDb, which are read where they are and never committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("MATINEE_SHARED_DATA", "../shared/data"))


def shared(name: str) -> Path:
    """Skips the test where the file is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not in MATINEE_SHARED_DATA ({FOLDER})")
    return path
