"""Which device is asking, and from where."""

from __future__ import annotations

from django.http import HttpRequest

from matinee.accounts.origins import ADDRESS_AT_MOST, DEVICE_AT_MOST, Origin
from matinee.core.client_address import client_address


def origin_of(request: HttpRequest, device: str | None = None) -> Origin:
    """`device` is what the client calls itself; its User-Agent speaks for one that does not."""
    named = request.headers.get("User-Agent", "") if device is None else device
    printable = "".join(character for character in named if character.isprintable())
    return Origin(device=printable[:DEVICE_AT_MOST], address=address_of(request))


def address_of(request: HttpRequest) -> str:
    return client_address(request.META)[:ADDRESS_AT_MOST]
