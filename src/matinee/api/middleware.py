"""What every answer has in common: a request id, problem+json on failure, one slash at the end, ETag and 304."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict
from django.http.response import HttpResponseBase
from django.urls import is_valid_path
from django.utils.cache import patch_vary_headers

from matinee.api import problems
from matinee.api.representations import VARIES_BY, is_known, represented
from matinee.core import client_network, request_id
from matinee.core.client_address import client_address
from matinee.core.refusals import FieldError

Next = Callable[[HttpRequest], HttpResponseBase]

ACCEPTABLE_REQUEST_ID = re.compile(r"[A-Za-z0-9._=;:+/@-]{1,64}")
API = "/api/v1/"
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
EMPTY = frozenset({204, 308})
WITHOUT_LENGTH = frozenset({204, 304})
UNKNOWN_HOST = "This service is not known by the host name that was asked for; MATINEE_ALLOWED_HOSTS lists its names."


class RequestId:
    """Echoes the client's X-Request-ID where it is harmless, else makes one; every log line carries it, and every event
    of the audit trail, beside the network that the request came from."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        identity = identity_of(request.headers.get("X-Request-ID", ""))
        token = request_id.current.set(identity)
        place = client_network.address.set(client_address(request.META))
        try:
            response = self.get_response(request)
        finally:
            request_id.current.reset(token)
            client_network.address.reset(place)
        response["X-Request-ID"] = identity
        return response


def identity_of(given: str) -> str:
    """What a request that calls itself `given` is known by."""
    return given if ACCEPTABLE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


class KnownLength:
    """Tells how long an answer is, which the server would otherwise send in chunks."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and response.status_code not in WITHOUT_LENGTH:
            response.setdefault("Content-Length", str(len(response.content)))
        return response


class KnownHosts:
    """A request for a host that is not ours is a problem that tells an operator what to set.

    Health probes come by address, and what they learn depends on no host.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            if request.path not in PROBES:
                request.get_host()
        except DisallowedHost:
            return problems.problem(400, code="unknown_host", detail=UNKNOWN_HOST)
        return self.get_response(request)


class Problems:
    """Whatever fails outside the api's own handlers (routing, hosts, CSRF, a crash) is a problem+json, too."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        failed = response.status_code >= 400
        if not failed or request.path.startswith("/admin/") or _media_type(response) == problems.CONTENT_TYPE:
            return response
        kept = {name: response[name] for name in ("Retry-After", "WWW-Authenticate") if name in response}
        if "Allow" in response:
            allowed = {method.strip() for method in response["Allow"].split(",")}
            kept["Allow"] = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
        return problems.problem(response.status_code, headers=kept)


class OneSlash:
    """A path of the api without its last slash is a 308 to it, which keeps method and body."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.startswith(API) and not path.endswith("/") and is_valid_path(f"{path}/"):
            response = HttpResponse(status=308)
            response["Location"] = request.get_full_path(force_append_slash=True)
            return response
        return self.get_response(request)


class KnownParametersOnly:
    """A query parameter that the api's own schema does not list, or a repeated one, is a 400 that names it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        if not request.GET or not request.path.startswith(API) or request.resolver_match is None:
            return None
        wrong = wrong_parameters(request.GET, request.resolver_match.route, request.method or "")
        if not wrong:
            return None
        names = ", ".join(error.field for error in wrong)
        return problems.problem(
            400, code="invalid_parameter", detail=f"Not acceptable in the query: {names}.", fields=wrong
        )


def wrong_parameters(given: QueryDict, route: str, method: str) -> list[FieldError]:
    """What the api's schema does not list for the route, and what is there twice."""
    known = _parameters().get((route, method))
    if known is None:
        return []  # a method that the path does not take: 405 comes of itself
    return [
        FieldError(name, "There is no such parameter here.", "unknown_parameter")
        if name not in known
        else FieldError(name, "This parameter is given more than once.", "repeated_parameter")
        for name, values in given.lists()
        if name not in known or len(values) > 1
    ]


class ConditionalAnswers:
    """HEAD as GET; a strong ETag on every read, salted by its reader and naming the coding; 304 where it matches."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith("/api/"):
            return self.get_response(request)
        head_only = request.method == "HEAD"
        if head_only:
            request.method = "GET"
        response = self.get_response(request)
        patch_vary_headers(response, VARIES_BY)
        if response.status_code in EMPTY:
            del response["Content-Type"]
        if request.method != "GET" or response.status_code != 200 or not isinstance(response, HttpResponse):
            return _without_body(response) if head_only else response
        reader = getattr(getattr(request, "auth", None), "pk", None)
        shown = represented(response.content, request.META, reader=reader)
        response.setdefault("Cache-Control", shown.cache_control)
        response.setdefault("ETag", shown.etag)
        if shown.coding is not None:
            response.content = shown.content
            response["Content-Encoding"] = shown.coding
            response["Content-Length"] = str(len(shown.content))
        if is_known(response["ETag"], request.META):
            return _not_modified(response)
        return _without_body(response) if head_only else response


def _not_modified(response: HttpResponse) -> HttpResponse:
    answer = HttpResponseNotModified()
    for name in ("ETag", "Cache-Control", "Vary", "RateLimit", "RateLimit-Policy"):
        if name in response:
            answer[name] = response[name]
    return answer


def _without_body(response: HttpResponseBase) -> HttpResponseBase:
    if isinstance(response, HttpResponse):
        length = len(response.content)
        response.content = b""
        response["Content-Length"] = str(length)
    return response


def _media_type(response: HttpResponseBase) -> str:
    return str(response.get("Content-Type", "")).partition(";")[0]


@cache
def _parameters() -> Mapping[tuple[str, str], frozenset[str]]:
    """The names that each (route, method) takes in its query, read off the published schema."""
    from matinee.api.app import api  # noqa: PLC0415 - the api is complete only after every app has loaded

    names: dict[tuple[str, str], frozenset[str]] = {}
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            query = (entry["name"] for entry in operation["parameters"] if entry["in"] == "query")
            names[_route_of(path), method.upper()] = frozenset(query)
    return names


def _route_of(path: str) -> str:
    """Django's route of an OpenAPI path; every path parameter of this api is a whole number."""
    return re.sub(r"{(\w+)}", r"<int:\1>", path.lstrip("/"))
