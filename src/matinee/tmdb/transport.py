"""The one door to TMDb: it opens to TMDb's own hosts, or to a stand-in on this machine, and to nothing else.

A name is looked up here and its addresses checked before anything is sent, and the connection is made to the address
that was checked, so that a name which leads inside (DNS rebinding) leads nowhere. Redirects are never followed.
"""

from __future__ import annotations

import ipaddress
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlencode, urlsplit

import urllib3

from matinee.core.resolver import NotLookedUp, addresses_of
from matinee.tmdb.failures import ForbiddenAddress, Unanswered, Unfit

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PLAIN_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+(\.json\.gz)?")
"""A dot stands in no other path of TMDb's: none that climbs."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")
BLOCK = 2**16
ADDRESSES_ARE_KEPT_FOR = 60.0
CONNECTIONS = 8

Pool: TypeAlias = urllib3.HTTPConnectionPool | urllib3.ProxyManager
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Origins:
    """Where TMDb answers: scheme and host, and a port for the stand-in alone."""

    api: str = "https://api.themoviedb.org"
    files: str = "https://files.tmdb.org"

    @classmethod
    def of_stand_in(cls, url: str) -> Origins:
        """Raises ForbiddenAddress for what is not plain http on this very machine."""
        if not any(re.fullmatch(rf"http://{re.escape(host)}:[0-9]{{1,5}}", url) for host in LOOPBACK):
            raise ForbiddenAddress(f"A TMDb stand-in is http on this machine, as http://127.0.0.1:8003, not {url!r}.")
        return cls(api=url, files=url)


@dataclass(frozen=True)
class Limits:
    """What one answer may take, whoever sends it."""

    ends_at: float
    """By time.monotonic(), for all of it: from the first look-up of the name to the last byte."""
    most_bytes: int
    connect_seconds: float = 3.0
    silent_seconds: float = 5.0
    """The longest wait for the next bytes."""

    def timeout(self) -> urllib3.Timeout:
        left = self.seconds_left()
        return urllib3.Timeout(connect=min(self.connect_seconds, left), read=min(self.silent_seconds, left))

    def seconds_left(self) -> float:
        """Raises Unanswered where there are none."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise Unanswered("TMDb did not answer in time.")
        return left


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Pooled connections to TMDb's hosts, safe between threads. It neither waits nor tries again."""

    def __init__(self, origins: Origins) -> None:
        self.origins = origins
        self._allowed = frozenset({origins.api, origins.files})
        self._lock = threading.Lock()
        self._addresses: dict[str, tuple[list[str], float]] = {}
        self._pools: dict[tuple[str, str], Pool] = {}

    def get(self, url: str, *, query: Mapping[str, str], headers: Mapping[str, str], limits: Limits) -> Response:
        """Raises ForbiddenAddress, Unanswered, and Unfit for a redirect or more bytes than allowed."""
        with self._opened(url, query=query, headers=headers, limits=limits) as opened:
            body = b"".join(_blocks(opened, limits, unpack=True))
            return Response(opened.status, dict(opened.headers.items()), body)

    @contextmanager
    def stream(self, url: str, *, limits: Limits) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The status and the blocks of a file as they come, packed as it is. Raises as `get` does, for blocks too."""
        with self._opened(url, query={}, headers={}, limits=limits) as opened:
            yield opened.status, _blocks(opened, limits, unpack=False)

    @contextmanager
    def _opened(
        self, url: str, *, query: Mapping[str, str], headers: Mapping[str, str], limits: Limits
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        origin = self._origin_of(url)
        host = urlsplit(origin).netloc
        target = url[len(origin) :] + (f"?{urlencode(query)}" if query else "")
        try:
            pool, prefix = self._pool(origin, limits)
            with pool.request(
                "GET",
                prefix + target,
                headers={"Host": host, "Accept-Encoding": "gzip", **headers},
                redirect=False,
                retries=False,
                timeout=limits.timeout(),
                preload_content=False,
            ) as answer:
                if 300 <= answer.status < 400:
                    raise Unfit("TMDb answered with a redirect, which is never followed.")
                yield answer
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._try_another_address_of(origin)
            raise Unanswered(f"{host} gave no whole answer: {type(error).__name__}.") from error

    def _origin_of(self, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ForbiddenAddress(f"{url!r} is no address.") from None
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._allowed or url != origin + parts.path or not PLAIN_PATH.fullmatch(parts.path):
            raise ForbiddenAddress(f"{url!r} is no address of TMDb's.")
        return origin

    def _pool(self, origin: str, limits: Limits) -> tuple[Pool, str]:
        """The connections that lead there, and what stands before a path on them."""
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if parts.scheme == "http":  # only a stand-in is allowed without TLS, and that is on this machine
            return self._kept(
                origin, host, lambda: urllib3.HTTPConnectionPool(host, parts.port, maxsize=CONNECTIONS)
            ), ""
        proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https")
        if proxy is not None:  # it looks names up by itself, and the operator chose it
            return self._kept(origin, proxy, lambda: urllib3.ProxyManager(proxy, maxsize=CONNECTIONS)), origin
        address = self._address_of(origin, host, limits)
        return self._kept(origin, address, lambda: _pinned(address, host)), ""

    def _kept(self, origin: str, towards: str, make: Callable[[], Pool]) -> Pool:
        with self._lock:
            pool = self._pools.get((origin, towards))
            if pool is None:
                pool = self._pools[origin, towards] = make()
            return pool

    def _address_of(self, origin: str, host: str, limits: Limits) -> str:
        now = time.monotonic()
        with self._lock:
            addresses, until = self._addresses.get(origin, ([], 0.0))
        if now >= until:
            try:
                addresses = addresses_of(host, within=min(limits.connect_seconds, limits.seconds_left()))
            except NotLookedUp as error:
                raise Unanswered(str(error)) from error
            inside = [address for address in addresses if not is_public(address)]
            if inside or not addresses:
                raise ForbiddenAddress(f"The name {host} leads to {inside}, where TMDb can't be.")
            with self._lock:
                self._addresses[origin] = (addresses, now + ADDRESSES_ARE_KEPT_FOR)
        return addresses[0]

    def _try_another_address_of(self, origin: str) -> None:
        with self._lock:
            if origin in self._addresses:
                addresses, until = self._addresses[origin]
                self._addresses[origin] = ([*addresses[1:], addresses[0]], until)


def is_public(text: str) -> bool:
    """Whether an address is one of the Internet's, also where it wraps another one."""
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        address = wrapped or address
    return address.is_global and not address.is_multicast


def _pinned(address: str, host: str) -> urllib3.HTTPSConnectionPool:
    """Connections to this very address that take no certificate but `host`'s."""
    return urllib3.HTTPSConnectionPool(address, 443, server_hostname=host, assert_hostname=host, maxsize=CONNECTIONS)


def _blocks(answer: urllib3.BaseHTTPResponse, limits: Limits, *, unpack: bool) -> Iterator[bytes]:
    """What has been sent, within the limits; read1 gives what came, where read would wait for a whole block."""
    received = 0
    while block := answer.read1(BLOCK, decode_content=unpack):
        received += len(block)
        if received > limits.most_bytes:
            raise Unfit(f"TMDb's answer is larger than {limits.most_bytes:,} bytes.")
        limits.seconds_left()
        yield block
