"""What Prometheus learns of every request: how many of each route ended how, and how long they took."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from matinee.core import tracing
from matinee.core.client_address import is_trusted_proxy

REQUESTS = Counter("matinee_requests", "Requests, by route, method and status.", ["route", "method", "status"])
SECONDS = Histogram(
    "matinee_request_seconds",
    "From the first middleware to the last, by route.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HasStatusCode(Protocol):
    @property
    def status_code(self) -> int: ...


Answered = TypeVar("Answered", bound=HasStatusCode)


class Measured:
    """Counts and times by the template of a route, never by a path: who asks for made-up addresses adds no series."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return measured(request, self.get_response)


def measured(request: HttpRequest, answer: Callable[[HttpRequest], Answered]) -> Answered:
    """What `answer` gives; nothing is counted where it raises, as where the lane leaves a request to Django."""
    return _traced(request, answer) if tracing.is_on() else _counted(request, answer)


def _traced(request: HttpRequest, answer: Callable[[HttpRequest], Answered]) -> Answered:
    believed = is_trusted_proxy(request.META["REMOTE_ADDR"])
    traceparent = request.META.get("HTTP_TRACEPARENT", "") if believed else ""
    with tracing.span(is_request=True, traceparent=traceparent) as span:
        response = _counted(request, answer)
        route = _shown(request.resolver_match.route if request.resolver_match else None)
        method = request.method if request.method in METHODS else "other"
        told: dict[str, str | int] = {"http.request.method": str(method), "http.route": route}
        told["http.response.status_code"] = response.status_code
        span.end(f"{method} {route}", told, failed=response.status_code >= 500)
    return response


def _counted(request: HttpRequest, answer: Callable[[HttpRequest], Answered]) -> Answered:
    began_at = time.perf_counter()
    response = answer(request)
    seconds = time.perf_counter() - began_at
    match = request.resolver_match
    count, observe = _series(match.route if match else None, request.method, response.status_code)
    count()
    observe(seconds)
    return response


@lru_cache(maxsize=4_096)
def _series(route: str | None, method: str | None, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
    """What to call for one more request of this kind; looked up once, since that costs as much as counting."""
    shown = _shown(route)
    requests = REQUESTS.labels(shown, method if method in METHODS else "other", str(status))
    return requests.inc, SECONDS.labels(shown).observe


def _shown(route: str | None) -> str:
    """A route as the reference writes it; all that no route takes is one, and so are the admin's many."""
    if route is None:
        return "none"
    if route.startswith("admin/"):
        return "/admin/"
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
