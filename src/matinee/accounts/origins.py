"""From where somebody asks: on which device, from which address."""

from __future__ import annotations

from dataclasses import dataclass

DEVICE_AT_MOST = 200
ADDRESS_AT_MOST = 45  # an IPv6 address with an IPv4 address in it


@dataclass(frozen=True)
class Origin:
    """ "" where it is not known."""

    device: str = ""
    address: str = ""


UNKNOWN = Origin()
