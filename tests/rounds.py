"""How often a test of chance is repeated: `make soak` asks for ten times what `make test` does."""

from __future__ import annotations

import os

TIMES = int(os.environ.get("MATINEE_TEST_ROUNDS", "1"))


def rounds(number: int) -> int:
    return number * TIMES
