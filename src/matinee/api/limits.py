"""How often each kind of request may be made; the one place that says which request is of which kind.

A request is counted when it is known who asks, before any of its work is done: by person where one is signed in, else
by address. What is refused before that, for a bad token or because no route takes it, is counted as it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja.throttling import BaseThrottle

from matinee.api import problems
from matinee.api.authentication import reader_of
from matinee.core.client_address import client_address
from matinee.core.limits import WINDOW_SECONDS, Quota, limiter
from matinee.core.networks import SUBSCRIBER, network_of
from matinee.core.refusals import TooMany

Next = Callable[[HttpRequest], HttpResponseBase]

NEVER_COUNTED = frozenset({"/livez", "/readyz", "/metrics"})
READS = frozenset({"GET", "HEAD", "OPTIONS"})
ADMIN_LOGIN = "/admin/login/"
BY_ADDRESS_ALONE: Mapping[str, str] = {
    "register": "register",
    "login": "sign_in",
    "password_reset": "register",
    "password_reset_confirm": "sign_in",
    "email_verify": "sign_in",
    "password_change": "sign_in",
    "email_change": "sign_in",
}
"""The kind of the routes that are open to guessing or to making things up, by their name; whoever asks."""
OF_THEIR_OWN: Mapping[str, str] = {"export": "export"}
"""The kind of the routes that cost as much as a thousand reads, by their name; of who asks."""
COUNTED = "matinee.counted"
NO_LIMIT = Quota(served=True, remaining=0, resets_in=0)


class Counted(NamedTuple):
    """What a request counted as, and where that leaves whoever asked."""

    kind: str
    limit: int
    quota: Quota


class Throttle(BaseThrottle):
    """Ninja asks it before each operation, when it is known who asks."""

    def allow_request(self, request: HttpRequest) -> bool:
        match = request.resolver_match
        name = None if match is None else match.url_name
        by_address = BY_ADDRESS_ALONE.get(name or "")
        kind = by_address or OF_THEIR_OWN.get(name or "")
        counted = _counted(request) or _count(request, kind=kind, by_address=by_address is not None)
        return counted.quota.served


class RateLimits:
    """Counts what no operation has counted, refuses what is too much, and tells in headers where the client stands."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in NEVER_COUNTED:
            return self.get_response(request)
        if request.path == ADMIN_LOGIN and request.method == "POST":
            _count(request, kind="admin", by_address=True)
        response = None if _is_refused(request) else self.get_response(request)
        counted = _counted(request) or _count(request)
        if response is None or _is_refused(request):
            response = _refusal(counted)
        for name, value in told_of(request).items():
            response[name] = value
        return response


def told_of(request: HttpRequest) -> dict[str, str]:
    """The headers that say where the client stands."""
    counted = _counted(request)
    if counted is None or not counted.limit:
        return {}
    return {
        "RateLimit-Policy": f'"{counted.kind}";q={counted.limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"{counted.kind}";r={counted.quota.remaining};t={counted.quota.resets_in}',
    }


def _count(request: HttpRequest, *, kind: str | None = None, by_address: bool = False) -> Counted:
    """Count `request` as one of `kind`, else as a read or a write: of whoever asks, or of their address alone."""
    reader = None if by_address else reader_of(request)
    kind = kind or ("read" if request.method in READS else "write")
    who = network_of(client_address(request.META), SUBSCRIBER) if reader is None else str(reader.pk)
    limit = settings.REQUESTS_A_MINUTE[kind]
    quota = NO_LIMIT
    if limit:
        quota = limiter().take(f"{kind}:{who}", limit=limit, in_leases=kind == "read", now=time())
    request.META[COUNTED] = counted = Counted(kind, limit, quota)
    return counted


def _counted(request: HttpRequest) -> Counted | None:
    """What it counted as already, if it did; in the fast lane, too, where that left it to Django afterwards."""
    counted: Counted | None = request.META.get(COUNTED)
    return counted


def _is_refused(request: HttpRequest) -> bool:
    counted = _counted(request)
    return counted is not None and not counted.quota.served


def _refusal(counted: Counted) -> HttpResponse:
    seconds = counted.quota.resets_in
    detail = f"{counted.limit} requests of this kind are served a minute. Try again in {seconds} s."
    return problems.of_refusal(TooMany(detail, retry_after_seconds=seconds))
