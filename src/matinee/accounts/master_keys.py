"""The keys that wrap people's data keys. The first of MATINEE_ENCRYPTION_KEYS wraps, each of them opens.

Without that setting an embedded instance keeps them in a file of its own, one a line. It is read each time, because
`matinee rotate-keys` adds to it while other processes run.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from matinee.core.ciphers import Unreadable

PURPOSE = b"matinee master key of data keys, AES-256-GCM, 1"
ID_LENGTH = 16


def newest() -> tuple[str, bytes]:
    """The key that wraps now, and its id."""
    return next(iter(_by_id().items()))


def named(key_id: str) -> bytes:
    """Raises Unreadable where no key of this id is configured."""
    try:
        return _by_id()[key_id]
    except KeyError:
        raise Unreadable(
            f"A data key was wrapped by the master key {key_id}, which is not among MATINEE_ENCRYPTION_KEYS."
        ) from None


def ids() -> Collection[str]:
    """Of all that are configured."""
    return _by_id().keys()


def add_own(text: str) -> None:
    """Let `text` wrap from now on; the keys before it go on opening. In one step, safe on the disk when it returns."""
    path = own_file()
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write("\n".join([text, *_lines(path)]))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def own_file() -> Path:
    path: Path = settings.ENCRYPTION_KEYS_FILE
    return path


def _by_id() -> Mapping[str, bytes]:
    texts = settings.ENCRYPTION_KEYS
    return _derived(tuple(texts) if texts else tuple(_lines(own_file())))


def _lines(path: Path) -> Sequence[str]:
    return path.read_text(encoding="ascii").split() if path.exists() else ()


@lru_cache(maxsize=8)
def _derived(texts: tuple[str, ...]) -> Mapping[str, bytes]:
    keys = (hmac.digest(text.encode(), PURPOSE, "sha256") for text in texts)
    return {hashlib.sha256(key).hexdigest()[:ID_LENGTH]: key for key in keys}
