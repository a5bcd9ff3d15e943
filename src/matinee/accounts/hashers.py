"""Argon2 as Django has it, one hash after the other: each takes 100 MB while it runs, and all cores that it finds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from matinee.core.refusals import Unavailable

PATIENCE_SECONDS = 5.0

_turn = threading.RLock()


class TooManyHashes(Unavailable):
    """More people give passwords at this moment than can be served."""


class Argon2OneByOne(Argon2PasswordHasher):
    def encode(self, password: str, salt: str) -> str:
        with hashing():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with hashing():
            return super().verify(password, encoded)


@contextmanager
def hashing() -> Iterator[None]:
    """This process's turn to hash, for the thread that has it already, too. Raises TooManyHashes after a while."""
    if not _turn.acquire(timeout=PATIENCE_SECONDS):
        raise TooManyHashes("Too many people are signing in at this moment; try again soon.")
    try:
        yield
    finally:
        _turn.release()
