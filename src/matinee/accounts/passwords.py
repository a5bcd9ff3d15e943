"""What a password may be, beside Django's own validators: whatever signing in takes."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from matinee.accounts.checks import FieldChecks
from matinee.accounts.models import User
from matinee.accounts.names import PASSWORD_AT_MOST
from matinee.core.text import UnacceptableText, cleaned


def new_password(checks: FieldChecks, field: str, password: str, *, of: User | None) -> str:
    """`password` as it is stored, checked by the whole policy; `of` is the person that it must not resemble."""
    stored = checks.text(field, password, at_most=PASSWORD_AT_MOST)
    checks.passes(field, lambda value: validate_password(value, of), stored)
    return stored


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
