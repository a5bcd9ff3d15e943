"""AES-256-GCM, each text bound to where it stands: put elsewhere, or with any bit flipped, it does not open."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
FORM = b"\x01"
"""The first byte of everything sealed, so that another form can be told from this one some day."""


class Unreadable(Exception):
    """It is damaged, stands where it was not put, or its key is missing. What it was is not told, nor a part of it."""


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def sealed(plain: bytes, *, key: bytes, place: str) -> bytes:
    """`plain`, to be opened by the same key in the same place alone."""
    nonce = os.urandom(NONCE_BYTES)
    return FORM + nonce + AESGCM(key).encrypt(nonce, plain, FORM + place.encode())


def opened(text: bytes, *, key: bytes, place: str) -> bytes:
    """Raises Unreadable."""
    form, nonce, rest = text[:1], text[1 : 1 + NONCE_BYTES], text[1 + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, rest, form + place.encode())
    except (InvalidTag, ValueError):
        raise Unreadable(f"{place} can't be read: it is damaged, or was put there from elsewhere.") from None
