"""What a password may be: long, of characters that signing in takes, and not to be expected."""

from __future__ import annotations

import re

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
    validate_password,
)
from django.core.exceptions import ValidationError

from matinee.accounts.checks import FieldChecks
from matinee.accounts.models import User
from matinee.core.text import UnacceptableText, cleaned

PASSWORD_AT_LEAST = 15
PASSWORD_AT_MOST = 1_000
"""Characters; nothing is ever cut off."""
GUESSES_LOG10 = 10
"""zxcvbn's best class, "very unguessable": a new password takes so many guesses of who tries the likely ones first."""

LOOKED_AT = 48
"""Characters: what is easy so far would have to be made good by the rest, and looking takes time that grows fast."""


def new_password(checks: FieldChecks, field: str, password: str, *, of: User | None) -> str:
    """`password` as it is stored, checked by the whole policy; `of` is the person that it must not resemble."""
    stored = checks.text(field, password, at_most=PASSWORD_AT_MOST)
    checks.passes(field, lambda value: validate_password(value, of), stored)
    return stored


class UnexpectedPassword:
    """As NIST SP 800-63B-4 says in section 3.1.1.2: at least 15 characters, and none that is common or to be expected
    of this service or person; no rules about kinds of characters. The first thing that is wrong is told.
    """

    def __init__(self) -> None:
        self._first = (
            MinimumLengthValidator(PASSWORD_AT_LEAST),
            UserAttributeSimilarityValidator(),
            CommonPasswordValidator(),
        )

    def validate(self, password: str, user: User | None = None) -> None:
        for validator in self._first:
            validator.validate(password, user)
        from zxcvbn_rs_py import zxcvbn  # noqa: PLC0415 - 8 MB of words, which only who sets a password needs

        told = zxcvbn(password[:LOOKED_AT], ["matinee", *_words_of(user)])
        if told.guesses_log10 < GUESSES_LOG10:
            raise ValidationError(
                "This is easy to guess: common words, names, repetitions or rows of keys. Put in another word or two.",
                code="password_too_common",
            )

    def get_help_text(self) -> str:
        return f"At least {PASSWORD_AT_LEAST} characters that nobody would expect: several words together do well."


def _words_of(user: User | None) -> list[str]:
    """What somebody who knows the person would try first."""
    if user is None:
        return []
    facts = (user.email, user.username, user.first_name, user.last_name)
    return [word for fact in facts for word in (fact, *re.split(r"\W+|_", fact)) if word]


class AcceptablePassword:
    """For AUTH_PASSWORD_VALIDATORS, so that the admin and Django's commands set none that signing in would refuse."""

    def validate(self, password: str, user: object = None) -> None:  # noqa: ARG002 - Django's signature
        try:
            stored = cleaned(password)
        except UnacceptableText as error:
            raise ValidationError(str(error), code="invalid") from None
        if len(stored) > PASSWORD_AT_MOST:
            raise ValidationError(f"At most {PASSWORD_AT_MOST:,} characters.", code="too_long")

    def get_help_text(self) -> str:
        return f"Your password can have up to {PASSWORD_AT_MOST:,} characters of any script."
