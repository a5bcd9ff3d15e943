"""Where things lie."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
SHARED = Path(os.environ.get("MATINEE_SHARED_DATA", ROOT.parent / "shared" / "data"))
"""Real films and ratings, which are read there and never copied."""
