"""Checks on the fields of one input, gathered so that one refusal names everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ValidationError

from matinee.core.refusals import FieldError, Invalid
from matinee.core.text import UnacceptableText, cleaned

Value = TypeVar("Value")


class FieldChecks:
    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    @property
    def failed(self) -> bool:
        return bool(self._errors)

    def text(self, field: str, text: str, *, at_most: int) -> str:
        """`text` as it is stored, or as it came where it can't be; at most so many characters."""
        try:
            stored = cleaned(text)
        except UnacceptableText as error:
            self.refuse(field, str(error), "invalid")
            return text
        if len(stored) > at_most:
            self.refuse(field, f"At most {at_most:,} characters.", "too_long")
        return stored

    def passes(self, field: str, validate: Callable[[Value], object], value: Value) -> None:
        """Run one of Django's validators on a value, unless the field has been refused already."""
        if any(error.field == field for error in self._errors):
            return
        try:
            validate(value)
        except ValidationError as error:
            for part in error.error_list:
                self.refuse(field, part.messages[0], part.code or "invalid")

    def refuse(self, field: str, message: str, code: str) -> None:
        self._errors.append(FieldError(field, message, code))

    def finish(self) -> None:
        """Raises Invalid where anything was wrong."""
        if self._errors:
            names = ", ".join(dict.fromkeys(error.field for error in self._errors))
            raise Invalid(f"Not acceptable: {names}.", fields=tuple(self._errors))
