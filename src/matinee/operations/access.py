"""Who may look inside: details of readiness, and metrics."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest

LOOPBACK = frozenset({"127.0.0.1", "::1"})
OF_A_PROXY = ("X-Forwarded-For", "Forwarded")


def may_see_inside(request: HttpRequest) -> bool:
    """In production only who asks on this very machine and not through a proxy on it, or sends the token."""
    if settings.MODE != "production" or _has_token(request):
        return True
    through_a_proxy = any(name in request.headers for name in OF_A_PROXY)
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not through_a_proxy


def _has_token(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN is None:
        return False
    given = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())
