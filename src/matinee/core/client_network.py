"""The network that the request of this thread came from, for what is kept of it."""

from __future__ import annotations

import ipaddress
from contextvars import ContextVar
from functools import lru_cache

address: ContextVar[str] = ContextVar("client_address", default="")

KEPT_BITS = {4: 24, 6: 48}


def network() -> str:
    """The network of the client's address, "" where there is none: enough to tell home from elsewhere, and nobody's
    address."""
    return _network_of(address.get())


@lru_cache(maxsize=4096)
def _network_of(client: str) -> str:
    try:
        parsed = ipaddress.ip_address(client)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed.packed, KEPT_BITS[parsed.version]), strict=False))
