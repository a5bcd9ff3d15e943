"""Which device is asking, and from where."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

from matinee.accounts.origins import DEVICE_AT_MOST, Origin


def origin_of(request: HttpRequest, device: str | None = None) -> Origin:
    """`device` is what the client calls itself; its User-Agent speaks for one that does not."""
    named = request.headers.get("User-Agent", "") if device is None else device
    printable = "".join(character for character in named if character.isprintable())
    return Origin(device=printable[:DEVICE_AT_MOST], address=address_of(request))


def address_of(request: HttpRequest) -> str:
    """ "" where the server does not know, as behind a socket of this machine."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""
