"""RFC 9457: every 4xx and 5xx is an `application/problem+json` with a stable, documented `code`.

This is the one place that maps kinds of error to HTTP statuses.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.db import Error as AnyDatabaseError
from django.db import IntegrityError, InterfaceError, InternalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from prometheus_client import Counter

from matinee.core import refusals
from matinee.core.database import is_unusable
from matinee.core.refusals import FieldError, Refusal

logger = logging.getLogger(__name__)

DATABASE_ERRORS = Counter("matinee_database_errors", "Requests that the database refused, being away or read-only.")
CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
LONGEST_NAME = 100
"""Characters of a key that a client made up, where a problem names it."""


class UnsupportedMediaType(Refusal):
    """The body is in a format that is not read here (415)."""

    code = "unsupported_media_type"


STATUS_OF: Mapping[type[Refusal], HTTPStatus] = {
    refusals.BadRequest: HTTPStatus.BAD_REQUEST,
    refusals.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    refusals.Forbidden: HTTPStatus.FORBIDDEN,
    refusals.NotFound: HTTPStatus.NOT_FOUND,
    refusals.Conflict: HTTPStatus.CONFLICT,
    refusals.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    refusals.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    refusals.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    refusals.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

CODE_OF_STATUS: Mapping[int, str] = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "body_too_slow",
    409: "conflict",
    412: "precondition_failed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}

DETAIL_OF_STATUS: Mapping[int, str] = {
    400: "The request can't be understood.",
    401: "This needs a valid access token.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body is larger than 1 MB.",
    500: "Something went wrong on our side. The request id helps to find it in the log.",
    503: "The service can't do this right now; try again soon.",
}

# The kinds of pydantic's errors, told in the api's own stable codes; what is not listed is `invalid`.
FIELD_CODE: Mapping[str, str] = {
    "missing": "missing",
    "finite_number": "wrong_type",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "greater_than": "out_of_range",
    "less_than": "out_of_range",
}


# Pydantic's own words are for programmers: "input", "string", "unable to parse".
MESSAGE_OF: Mapping[str, str] = {
    "missing": "This is missing.",
    "extra_forbidden": "There is no such field here.",
    "string_type": "Give text.",
    "int_type": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "int_parsing_size": "This number is too large.",
    "float_type": "Give a number.",
    "float_parsing": "Give a number.",
    "finite_number": "Give a number.",
    "bool_type": "Give true or false.",
    "list_type": "Give a list.",
    "model_type": "Give an object.",
    "model_attributes_type": "Give an object.",
    "dict_type": "Give an object.",
    "greater_than_equal": "Give {ge} or more.",
    "less_than_equal": "Give {le} or less.",
    "string_too_short": "Give {min_length} or more characters.",
    "string_too_long": "This is too long: {max_length:,} characters at most.",
    "too_long": "This is too long: {max_length:,} at most.",
    "literal_error": "Give {expected}.",
}


def problem(
    status: int,
    *,
    code: str | None = None,
    detail: str | None = None,
    fields: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer that tells what went wrong; `code` and `detail` default to the status's own."""
    code = code or CODE_OF_STATUS.get(status, "error")
    phrase = HTTPStatus(status).phrase
    body = {
        "type": f"urn:matinee:problem:{code}",
        "title": phrase,
        "status": status,
        "detail": detail or DETAIL_OF_STATUS.get(status, f"{phrase}."),
        "code": code,
        "errors": [{"field": error.field, "message": error.message, "code": error.code} for error in fields],
    }
    response = HttpResponse(orjson.dumps(body), status=status, content_type=CONTENT_TYPE)
    response["Content-Length"] = str(len(response.content))
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    for name, value in (headers or {}).items():
        response[name] = value
    if status == HTTPStatus.UNAUTHORIZED:
        challenge = 'Bearer error="invalid_token"' if code == "invalid_token" else "Bearer"
        response.setdefault("WWW-Authenticate", challenge)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return response


def of_refusal(refusal: Refusal) -> HttpResponse:
    status = next(STATUS_OF[kind] for kind in type(refusal).__mro__ if kind in STATUS_OF)
    headers = {"Retry-After": str(refusal.retry_after_seconds)} if isinstance(refusal, refusals.TooMany) else None
    return problem(status, code=refusal.code, detail=refusal.detail, fields=refusal.fields, headers=headers)


def of_validation(error: ValidationError) -> HttpResponse:
    """A wrong query parameter is a 400, a wrong body a 422; each wrong field is named."""
    in_query = any(entry["loc"][0] == "query" for entry in error.errors)
    fields = tuple(_field_error(entry) for entry in error.errors)
    names = ", ".join(dict.fromkeys(field.field or "the body" for field in fields))
    if in_query:
        return problem(400, code="invalid_parameter", detail=f"Not acceptable in the query: {names}.", fields=fields)
    return problem(422, detail=f"Not acceptable: {names}.", fields=fields)


def of_database(error: AnyDatabaseError) -> HttpResponse:
    """Read-only, gone or damaged is a 503; a row that somebody else changed in between is a 409."""
    if isinstance(error, IntegrityError):
        return problem(409, detail="Somebody changed this at the same moment; read it again.")
    if isinstance(error, InterfaceError | InternalError) or is_unusable(error):
        DATABASE_ERRORS.inc()
        logger.error("The database refused: %s", error)
        return problem(503)
    places = "".join(traceback.format_tb(error.__traceback__))  # without its text, which may quote what it was given
    logger.error("The database took a statement for wrong: %s\n%s", type(error).__name__, places)
    return problem(500)


def install(api: NinjaAPI) -> None:
    """Let every exception of `api` be answered here; ninja has handlers of its own for the last three."""
    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, _answer)


def _answer(_request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:  # noqa: PLR0911 - a table
    match error:
        case Refusal():
            return of_refusal(error)
        case ValidationError():
            return of_validation(error)
        case AuthenticationError():
            return problem(401)
        case HttpError(__cause__=Refusal() as refusal):  # raised by our parser, wrapped by ninja
            return of_refusal(refusal)
        case HttpError():
            return problem(error.status_code)
        case Http404():
            return problem(404)
        case RequestDataTooBig():
            return problem(413)
        case AnyDatabaseError():
            return of_database(error)
        case _:
            logger.error("An unexpected error", exc_info=error)  # type: ignore[arg-type] # ninja gives an instance
            return problem(500)


def _field_error(entry: Mapping[str, Any]) -> FieldError:
    place = entry["loc"][1:] if entry["loc"][0] == "query" else entry["loc"][2:]
    kind = str(entry["type"])
    if kind == "too_long" and entry["ctx"]["field_type"] == "Value":  # so pydantic calls text that may be null
        kind = "string_too_long"
    code = FIELD_CODE.get(kind) or ("wrong_type" if kind.endswith(("_type", "_parsing")) else "invalid")
    ours = MESSAGE_OF.get(kind)
    message = ours.format(**entry.get("ctx", {})) if ours else str(entry["msg"]).removeprefix("Value error, ")
    return FieldError(
        field=".".join(str(part)[:LONGEST_NAME] for part in place), message=_printable(message), code=code
    )


def _printable(message: str) -> str:
    return message.encode("utf-8", "replace").decode("utf-8")
