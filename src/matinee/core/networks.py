"""Which addresses are one, for a purpose."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple


class Bits(NamedTuple):
    """How much of an address counts."""

    of_ipv4: int
    of_ipv6: int


SUBSCRIBER = Bits(32, 64)
"""What one subscriber can choose addresses from: requests are counted by it."""
NEIGHBOURHOOD = Bits(24, 64)
"""What an attacker has addresses from at little cost: passwords are guarded by it."""
KEPT = Bits(24, 48)
"""Enough to tell home from elsewhere, and nobody's address: what the audit trail keeps."""


def is_this_machine(host: str) -> bool:
    """Whether what is sent to a host of this name or address never leaves the machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def network_of(address: str, bits: Bits) -> str:
    """ "" where it is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    prefix = bits.of_ipv4 if parsed.version == 4 else bits.of_ipv6
    return str(ipaddress.ip_network((parsed.packed, prefix), strict=False))
