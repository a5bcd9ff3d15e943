"""`If-Match`: which versions of a thing a client would write over."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import parse_etags


def wanted_versions(request: HttpRequest) -> frozenset[str] | None:
    """What If-Match names, None where any version will do. A weak tag never matches (RFC 9110, section 13.1.1)."""
    given = request.META.get("HTTP_IF_MATCH")
    if given is None or given.strip() == "*":
        return None
    return frozenset(tag.strip('"') for tag in parse_etags(given) if tag.startswith('"'))
