"""What an e-mail address and a username may be. The functions raise Django's ValidationError, as its forms expect."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from matinee.core.text import comparison_key

USERNAME_AT_LEAST = 3
USERNAME_AT_MOST = 30
EMAIL_AT_MOST = 254
EMAIL_KEY_LENGTH = 300
USERNAME_KEY_LENGTH = 100
PUNCTUATION = frozenset("_.-")
RESERVED_USERNAMES = frozenset({
    "abuse", "admin", "administrator", "help", "helpdesk", "hostmaster", "matinee", "mod", "moderator", "official",
    "operator", "postmaster", "root", "security", "staff", "support", "system", "webmaster",
})  # fmt: skip
"""By which somebody would be taken for who runs the service: a username stands by public reviews."""
INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")  # Hangul fillers: letters to Unicode, nothing to the eye

_check_email: Callable[[str], None] = EmailValidator(message="This is not an e-mail address.", code="invalid")


def validate_email(email: str) -> None:
    """An e-mail address, without characters that nobody sees, by which it would look like somebody else's; its
    comparison key fits its column, too."""
    _check_email(email)
    if not email.isprintable():
        raise ValidationError("This is not an e-mail address.", code="invalid")
    if len(comparison_key(email)) > EMAIL_KEY_LENGTH:
        raise ValidationError("This address is too long.", code="too_long")


def validate_username(username: str) -> None:
    """3 to 30 letters, digits or _ . - ; what it is compared by must be made of the same characters."""
    if not USERNAME_AT_LEAST <= len(username) <= USERNAME_AT_MOST:
        code = "too_short" if len(username) < USERNAME_AT_LEAST else "too_long"
        raise ValidationError("A username has 3 to 30 characters.", code=code)
    key = comparison_key(username)
    if (
        not unicodedata.is_normalized("NFC", username)
        or not all(_is_name_character(character) for character in username)
        or not all(_is_name_character(character) or _is_mark(character) for character in key)
        or len(key) > USERNAME_KEY_LENGTH
    ):
        raise ValidationError(
            "A username is made of letters, digits, underscores, full stops and hyphens.", code="invalid"
        )


def refuse_reserved(username: str) -> None:
    """A name that staff alone give."""
    if comparison_key(username) in RESERVED_USERNAMES:
        raise ValidationError("This name is kept for those who run the service.", code="username_reserved")


def new_username() -> str:
    """A name for who chose none: random, so that it tells nothing of the address."""
    return f"viewer-{secrets.token_hex(8)}"


def _is_name_character(character: str) -> bool:
    return (character.isalnum() and character not in INVISIBLE_LETTERS) or character in PUNCTUATION


def _is_mark(character: str) -> bool:
    """Folding case can split a letter in two: İ becomes i and a dot above."""
    return unicodedata.category(character) == "Mn"
