"""Sealing: whatever goes in comes out in its place, and nothing else does."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from matinee.core.ciphers import Unreadable, new_key, opened, sealed

KEY = new_key()


@given(st.binary(max_size=2_000))
def test_what_was_sealed_is_opened_as_it_was(plain: bytes) -> None:
    text = sealed(plain, key=KEY, place="here")

    assert opened(text, key=KEY, place="here") == plain
    assert len(plain) < 4 or plain not in text


def test_the_same_twice_is_not_the_same() -> None:
    assert sealed(b"x", key=KEY, place="here") != sealed(b"x", key=KEY, place="here")


def test_no_bit_can_be_flipped() -> None:
    text = sealed(b"Slow films.", key=KEY, place="here")
    for bit in range(len(text) * 8):
        flipped = bytearray(text)
        flipped[bit // 8] ^= 1 << bit % 8

        with pytest.raises(Unreadable):
            opened(bytes(flipped), key=KEY, place="here")


def test_nothing_opens_elsewhere_by_another_key_or_cut_short() -> None:
    text = sealed(b"Slow films.", key=KEY, place="here")
    attempts = [(text, KEY, "there"), (text, new_key(), "here")]
    attempts += [(text[:length], KEY, "here") for length in range(len(text))]

    for tried, key, place in attempts:
        with pytest.raises(Unreadable) as refusal:
            opened(tried, key=key, place=place)
        assert str(refusal.value) == f"{place} can't be read: it is damaged, or was put there from elsewhere."


def test_a_text_is_a_form_a_nonce_and_what_aes_256_makes_of_it() -> None:
    text = sealed(b"Slow films.", key=KEY, place="here")

    assert (len(KEY), text[:1], len(text)) == (32, b"\x01", 1 + 12 + len(b"Slow films.") + 16)
    assert AESGCM(KEY).decrypt(text[1:13], text[13:], b"\x01here") == b"Slow films."
