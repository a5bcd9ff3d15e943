"""Request bodies: UTF-8 JSON, refused early when it is hostile, and strict schemas to read it with."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any, Never, TypeAlias

from django.http import HttpRequest
from ninja import Schema
from ninja.parser import Parser
from pydantic import AfterValidator, ConfigDict, Field

from matinee.api.problems import LONGEST_NAME, UnsupportedMediaType
from matinee.catalog.filters import LARGEST_ID
from matinee.core.refusals import BadRequest, FieldError, Invalid
from matinee.core.text import UnacceptableText, cleaned

DEEPEST_NESTING = 64
MOST_VALUES = 10_000

JsonPath: TypeAlias = "tuple[JsonPath, str | int] | None"
"""Where in a body: the place around it and the key or index in there; None is the body itself."""


class NotJson(BadRequest):
    code = "not_json"


class DuplicateKey(BadRequest):
    code = "duplicate_key"


class TooComplex(BadRequest):
    code = "body_too_complex"


class IdsConflict(BadRequest):
    code = "ids_conflict"


class StrictParser(Parser):
    """Reads a body as RFC 8259 says and nothing more: no NaN, no duplicate keys, no lone surrogates."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise UnsupportedMediaType("The body must be application/json.")
        if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
            raise UnsupportedMediaType("The body must come as it is, without a Content-Encoding.")
        try:
            body = json.loads(
                request.body.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refused_constant
            )
        except (ValueError, RecursionError) as error:
            raise NotJson("The body is not valid JSON in UTF-8.") from error
        _refuse_hostile(body)
        return body


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        repeated, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        name = _shown(repeated)
        raise DuplicateKey(
            f"The key {name} stands in the body twice.",
            fields=(FieldError(name, "This key is given more than once.", "duplicate_key"),),
        )
    return result


def _refused_constant(name: str) -> Never:
    raise NotJson(f"{name} is not a JSON number.")


def _refuse_hostile(body: Any) -> None:
    """Walk the parsed body without recursion; raises TooComplex or Invalid, naming the place.

    A place is the chain of keys that lead to it and is written out for a refusal alone: a long key before a long list
    would else be repeated for each of its values.
    """
    values = 0
    waiting: list[tuple[JsonPath, int, Any]] = [(None, 1, body)]
    while waiting:
        place, depth, value = waiting.pop()
        if depth > DEEPEST_NESTING:
            raise TooComplex(f"The body is nested deeper than {DEEPEST_NESTING}.")
        if isinstance(value, str):
            _refuse_broken_text(value, place)
        if not isinstance(value, list | dict):
            continue
        values += len(value)
        if values > MOST_VALUES:
            raise TooComplex(f"The body has more than {MOST_VALUES} keys and values.")
        if isinstance(value, dict):
            for key in value:
                _refuse_broken_text(key, place)
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        waiting.extend(((place, key), depth + 1, item) for key, item in parts)


def _refuse_broken_text(text: str, place: JsonPath) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        message = "The text holds a lone surrogate, which is no character."
        name = _written_out(place)
        raise Invalid(f"Not acceptable: {name or 'a key'}.", fields=(FieldError(name, message, "invalid"),)) from None


def _written_out(place: JsonPath) -> str:
    parts = []
    while place is not None:
        place, part = place
        parts.append(_shown(str(part)))
    return ".".join(reversed(parts))


def _shown(key: str) -> str:
    return key.encode("utf-8", "replace").decode("utf-8")[:LONGEST_NAME]


def _stored_text(text: str) -> str:
    try:
        return cleaned(text)
    except UnacceptableText as error:
        raise ValueError(str(error)) from None


Text = Annotated[str, AfterValidator(_stored_text)]
TmdbId = Annotated[int, Field(ge=1, le=LARGEST_ID, description="TMDb's id of the film.")]


class Body(Schema):
    """A request body: unknown fields and wrong types are refused by name."""

    model_config = ConfigDict(strict=True, extra="forbid")


class MovieReference(Body):
    """Which film: `movie_id` or its other name `tmdb_id`, both meaning TMDb's id."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"movie_id": 603}]})

    movie_id: TmdbId | None = None
    tmdb_id: TmdbId | None = None

    def chosen(self) -> int:
        """The one id that is meant. Raises IdsConflict, or Invalid where neither name is given."""
        given = {value for value in (self.movie_id, self.tmdb_id) if value is not None}
        if len(given) > 1:
            both = tuple(FieldError(name, "The two ids differ.", "ids_conflict") for name in ("movie_id", "tmdb_id"))
            raise IdsConflict("movie_id and tmdb_id name two different films.", fields=both)
        if not given:
            missing = FieldError("movie_id", "Give movie_id (or tmdb_id).", "missing")
            raise Invalid("Not acceptable: movie_id.", fields=(missing,))
        return given.pop()
