"""What the published schema tells beyond what Ninja reads off the routes: refusals, headers, parameters and examples.

All of it by kinds of routes, none of it route by route; the test client holds every real answer to it.
"""

from __future__ import annotations

from http.client import responses as http_phrases
from typing import Any, TypeAlias

import orjson

from matinee.api import problems
from matinee.api.examples import example_of
from matinee.api.idempotency import HEADER, REPLAYED

Told: TypeAlias = dict[str, Any]
"""A part of the schema."""

PUBLIC: list[dict[str, list[str]]] = [{}, {"SignedIn": []}]
"""OpenAPI's way to say that a token may be given and need not be."""

IN_A_PATH = {
    "tmdb_id": "TMDb's id of the film.",
    "movie_id": "TMDb's id of the film.",
    "session_id": "The id that users/sessions/ tells.",
    "export_id": "The id that users/export/ tells.",
}


def _header_of_request(name: str, description: str, **form: Any) -> Told:
    schema = {"type": "string", **form}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


IDEMPOTENCY_KEY = _header_of_request(
    HEADER,
    "Of your choice, new for each request: sent again with it, the same is not done again.",
    maxLength=255,
    pattern="^[!-~]+$",
)
IF_MATCH = _header_of_request(
    "If-Match", "The ETag of the version that you have read: where it has changed since, nothing is done (412)."
)
IF_NONE_MATCH = _header_of_request(
    "If-None-Match", "The ETag of what you have: where it still stands, the answer is a 304 without a body."
)

HEADERS: dict[str, Told] = {
    "ETag": {
        "required": True,
        "description": "The version of this answer, for If-None-Match; where a write takes If-Match, for that, too.",
        "schema": {"type": "string", "pattern": '^"[!#-~]+"$', "examples": ['"2f1c9be2-identity"']},
    },
    REPLAYED: {
        "required": False,
        "description": f"That this is the answer kept from the first request with the {HEADER}.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Location": {
        "required": True,
        "description": "Where what is being made will be.",
        "schema": {"type": "string", "format": "uri", "examples": ["https://films.example.org/api/v1/users/export/7/"]},
    },
    "RateLimit": {
        "required": False,
        "description": "How many requests of this kind are left (r) in the t seconds that are left of the window.",
        "schema": {"type": "string", "pattern": '^"[a-z_]+";r=[0-9]+;t=[0-9]+$', "examples": ['"read";r=1187;t=42']},
    },
    "RateLimit-Policy": {
        "required": False,
        "description": "How many of this kind are served (q) in a window of w seconds; absent where there is no limit.",
        "schema": {"type": "string", "pattern": '^"[a-z_]+";q=[0-9]+;w=[0-9]+$', "examples": ['"read";q=1200;w=60']},
    },
    "Retry-After": {
        "required": True,
        "description": "So many seconds later it is worth another try.",
        "schema": {"type": "integer", "minimum": 0, "examples": [5]},
    },
    "WWW-Authenticate": {
        "required": True,
        "description": 'Bearer; with error="invalid_token" where a token was given.',
        "schema": {"type": "string", "examples": ["Bearer"]},
    },
    "X-Request-ID": {
        "required": True,
        "description": "Yours, or one that was made up: the log has it, too.",
        "schema": {"type": "string", "examples": ["5f0c6f1f4a4b4c7d9f3f6f0f8f7f2a11"]},
    },
}
"""All that an answer has beyond what HTTP's own machinery reads (caches, codings, lengths)."""


def complete(schema: Told) -> None:
    """Tell in Ninja's schema what it does not know."""
    same_everywhere: set[int] = set()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if operation["security"] == [{"MaybeSignedIn": []}]:
                operation["security"] = PUBLIC
            same_everywhere |= _tell_answers(path, method, operation)
            for parameter in operation["parameters"]:
                _tell_parameter(parameter)
            operation["parameters"] += _headers_of_request(method, operation)
    del schema["components"]["securitySchemes"]["MaybeSignedIn"]
    shapes = schema["components"]["schemas"]
    for name in [name for name in shapes if name.endswith("Query")]:
        del shapes[name]  # told parameter by parameter
    for name, shape in shapes.items():
        if "examples" not in shape:
            shape["examples"] = [example_of(name, shapes)]
    schema["components"]["headers"] = HEADERS
    schema["components"]["responses"] = {_name(status): _told_once(status) for status in sorted(same_everywhere)}


def _tell_parameter(parameter: Told) -> None:
    """A path says what its number is, and in a query nothing can be null: a parameter is there or is not."""
    if parameter["in"] == "path":
        parameter["description"] = IN_A_PATH[parameter["name"]]
    for choice in parameter["schema"].pop("anyOf", []):
        if choice != {"type": "null"}:
            parameter["schema"].update(choice)


def _headers_of_request(method: str, operation: Told) -> list[Told]:
    taken = {
        "If-None-Match": (IF_NONE_MATCH, method == "get"),
        "If-Match": (IF_MATCH, 412 in operation["responses"]),
        HEADER: (IDEMPOTENCY_KEY, _takes_a_key(method, operation)),
    }
    return [parameter for parameter, is_taken in taken.values() if is_taken]


def _takes_a_key(method: str, operation: Told) -> bool:
    return method == "post" and _is_of_a_person(operation)


def _tell_answers(path: str, method: str, operation: Told) -> set[int]:
    """What any route of this kind can answer, besides what it says of itself; returns what is told once for all."""
    own = {status: answer for status, answer in operation["responses"].items() if status < 400}
    statuses = {*operation["responses"], 400, 401, 429, 503} - own.keys()
    if method == "get":
        statuses.add(304)
    if "{" in path:
        statuses.add(404)
    if "requestBody" in operation:
        statuses |= {413, 415, 422}
    if _is_of_a_person(operation) and method in {"post", "put", "patch"}:
        statuses.add(409)  # two at once, where the other one took away what this one stands on
    for status, answer in own.items():
        answer["headers"] = _headers(_own_headers(status, method, operation))
    told = {**own, **{status: {"$ref": f"#/components/responses/{_name(status)}"} for status in statuses}}
    operation["responses"] = {status: told[status] for status in sorted(told)}
    return statuses


def _is_of_a_person(operation: Told) -> bool:
    return bool(operation["security"] != PUBLIC)


def _name(status: int) -> str:
    return problems.CODE_OF_STATUS.get(status, "not_modified")


def _told_once(status: int) -> Told:
    """A refusal, or that nothing has changed; an unacceptable field is the example of a problem's shape itself."""
    told: Told = {"description": http_phrases[status], "headers": _headers(_common_headers(status))}
    if status >= 400:
        problem: Told = {"schema": {"$ref": "#/components/schemas/Problem"}}
        if status != 422:
            problem["example"] = orjson.loads(problems.problem(status).content)
        told["content"] = {problems.CONTENT_TYPE: problem}
    return told


def _common_headers(status: int) -> dict[str, bool]:
    """By name, each with whether it may be missing: a 503 may be told before a request has an id."""
    headers = {"RateLimit": True, "RateLimit-Policy": True, "X-Request-ID": status == 503}
    own = {304: "ETag", 401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    return {**headers, own[status]: False} if status in own else headers


def _own_headers(status: int, method: str, operation: Told) -> dict[str, bool]:
    """The same of what a route answers where it refuses nothing: a file has no version."""
    headers = _common_headers(status)
    if (method == "get" and status == 200) or (412 in operation["responses"] and status in {200, 201}):
        headers["ETag"] = "application/json" not in operation["responses"][status].get("content", {})
    if method == "get" and status == 202:
        headers |= {"Location": False, "Retry-After": False}
    if _takes_a_key(method, operation):
        headers[REPLAYED] = True
    return headers


def _headers(names: dict[str, bool]) -> Told:
    return {
        name: {"$ref": f"#/components/headers/{name}"}
        if HEADERS[name]["required"] != may_be_missing
        else {**HEADERS[name], "required": not may_be_missing}
        for name, may_be_missing in sorted(names.items())
    }
