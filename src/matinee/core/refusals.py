"""The kinds of refusal that a domain function can raise. `api.problems` maps each kind to one HTTP status.

A domain error is a subclass that stands beside the function which raises it and fixes its `code`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of the input: `field` is its path, dots between the parts."""

    field: str
    message: str
    code: str


class Refusal(Exception):
    """Something that was asked for and can't be done; the message is a sentence for the person who asked."""

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str, *, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields


class BadRequest(Refusal):
    """The request contradicts itself or names something impossible (400)."""

    code = "bad_request"


class Unauthenticated(Refusal):
    """Nobody, or nobody we can believe, is asking (401)."""

    code = "not_authenticated"


class Forbidden(Refusal):
    """Known, and not allowed (403)."""

    code = "forbidden"


class NotFound(Refusal):
    """It does not exist, or not for this person (404)."""

    code = "not_found"


class Conflict(Refusal):
    """The state of things stands against it (409)."""

    code = "conflict"


class PreconditionFailed(Refusal):
    """It has changed since the client read it (412)."""

    code = "precondition_failed"


class Invalid(Refusal):
    """A field's value can't be accepted (422); `fields` names each."""

    code = "invalid"


class TooMany(Refusal):
    """It was asked for too often; after `retry_after_seconds` it can be asked for again (429)."""

    code = "too_many_requests"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(Refusal):
    """A part that is needed is away (503)."""

    code = "unavailable"
    retry_after_seconds: ClassVar[int] = 5
