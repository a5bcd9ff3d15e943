"""Text as it is stored: NFC, without control characters but newline and tab; and the key that names compare by."""

from __future__ import annotations

import unicodedata

ALLOWED_CONTROLS = frozenset("\n\t")


class UnacceptableText(ValueError):
    """The text holds a character that is never stored; the message names it."""


def cleaned(text: str) -> str:
    """`text` in NFC. Raises UnacceptableText on control characters, lone surrogates and noncharacters."""
    if text.isascii() and text.isprintable():
        return text
    normal = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    for character in normal:
        if character in ALLOWED_CONTROLS:
            continue
        if unicodedata.category(character) in {"Cc", "Cs"} or ord(character) & 0xFFFE == 0xFFFE:
            raise UnacceptableText(f"The character U+{ord(character):04X} is not accepted in text.")
    return normal


def comparison_key(text: str) -> str:
    """What two names are compared by, without regard to case or compatibility forms (NFKC, casefolded)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
