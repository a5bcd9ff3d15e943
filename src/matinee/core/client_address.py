"""From which address a request comes: who connected or, where that is a proxy of ours, who the proxy says did.

Anybody can send the headers in which proxies say so. They are read from their end, where our own proxy wrote, and on
only as long as the address found is a proxy of ours, too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from django.conf import settings

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_PROXIES = 16
_PAIR = r'[\w-]+=(?:[^\s",;=\\]+|"[^",\\]*")'
FORWARDED = re.compile(rf"\s*{_PAIR}(?:\s*;\s*{_PAIR})*\s*", re.ASCII)
"""One element of RFC 7239's header, whole: half of one that was cut at a comma within quotes is none."""
FORWARDED_FOR = re.compile(r'(?:^|;)\s*for="?([^";]+)', re.IGNORECASE)


def client_address(meta: Mapping[str, Any]) -> str:
    """The client's address, of a request's META; the same text for every way of writing it."""
    peer = str(meta.get("REMOTE_ADDR", ""))
    if not settings.TRUSTED_PROXIES:
        return _normal(peer)
    return _followed(peer, meta)


def is_trusted_proxy(peer: str) -> bool:
    address = _read(peer)
    return address is not None and _is_ours(address)


def _followed(peer: str, meta: Mapping[str, Any]) -> str:
    address = _read(peer)
    if address is None:
        return peer
    for hop in reversed(str(meta.get(settings.PROXY_HEADER, "")).rsplit(",", MOST_PROXIES)[-MOST_PROXIES:]):
        told = _read(hop if settings.PROXY_HEADER != "HTTP_FORWARDED" else _forwarded_for(hop))
        if told is None or not _is_ours(address):
            break
        address = told
    return str(address)


def _forwarded_for(element: str) -> str:
    found = FORWARDED_FOR.search(element) if FORWARDED.fullmatch(element) else None
    return found[1] if found else ""


def _is_ours(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _read(text: str) -> Address | None:
    """An address, with or without brackets and a port; a zone, which anybody could make up, is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return None if address.scope_id else address.ipv4_mapped or address


@lru_cache(maxsize=4096)
def _normal(peer: str) -> str:
    address = _read(peer)
    return peer if address is None else str(address)
