"""Only TMDb's own hosts are ever connected to, whatever the address, the resolver or the answer says."""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import Any

import pytest

from matinee.tmdb.failures import ForbiddenAddress, Unanswered, Unfit
from matinee.tmdb.stand_in.faults import Fault
from matinee.tmdb.stand_in.server import StandIn
from matinee.tmdb.transport import Limits, Origins, Transport, is_public

API = "https://api.themoviedb.org"
FORGED = [
    "http://127.0.0.1/3/movie/603",
    "https://127.0.0.1/3/movie/603",
    "http://localhost:8000/3/movie/603",
    "http://[::1]/3/movie/603",
    "http://[::ffff:127.0.0.1]/3/movie/603",
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "http://[fd00:ec2::254]/latest/meta-data",
    "http://2130706433/3/movie/603",
    "http://0x7f000001/3/movie/603",
    "http://0177.0.0.1/3/movie/603",
    "http://127.1/3/movie/603",
    "http://0/3/movie/603",
    "http://10.0.0.1/3/movie/603",
    "http://192.168.1.1/3/movie/603",
    "http://metadata.google.internal/computeMetadata/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://api.themoviedb.org/3/movie/603",
    "dict://127.0.0.1:11211/stats",
    "data:application/json,{}",
    "jar:https://api.themoviedb.org/3/movie/603",
    "http://api.themoviedb.org/3/movie/603",
    "https://api.themoviedb.org:8443/3/movie/603",
    "https://api.themoviedb.org.evil.example/3/movie/603",
    "https://api.themoviedb.org@evil.example/3/movie/603",
    "https://evil.example/https://api.themoviedb.org/3/movie/603",
    "https://user:word@api.themoviedb.org/3/movie/603",
    "https://evil.example#@api.themoviedb.org/3/movie/603",
    "https://evil.example\\@api.themoviedb.org/3/movie/603",
    "https://API.THEMOVIEDB.ORG./3/movie/603",
    "//evil.example/3/movie/603",
    "///3/movie/603",
    "/3/movie/603",
    "",
    "https://",
    "https://[/3/movie/603",
    "https://api.themoviedb.org\r\nHost: evil.example/3/movie/603",
    f"{API}/3/movie/603\r\nX-Injected: 1",
    f"{API}/3/movie/../../admin",
    f"{API}/3/movie/%2e%2e/admin",
    f"{API}//evil.example/3/movie/603",
    f"{API}/3/movie/603?next=http://127.0.0.1",
    f"{API}/3/movie/603#fragment",
    f"{API}/3/movie/\uff16\uff10\uff13",
    "https://api.themoviedb\u3002org/3/movie/603",
    "https://image.tmdb.org/t/p/w500",
]
INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "not an address",
]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where anybody tried to connect to."""
    tried: list[Any] = []

    def connect(_socket: socket.socket, address: Any) -> None:
        tried.append(address)
        raise OSError("no test connects")

    monkeypatch.setattr(socket.socket, "connect", connect)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tried


def limits(*, seconds: float = 2.0, most_bytes: int = 1_000_000) -> Limits:
    return Limits(ends_at=time.monotonic() + seconds, most_bytes=most_bytes)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolve(host: str, port: int | None, *_: object) -> list[Any]:
        found = addresses if host.endswith(".org") else (host,)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("url", FORGED)
def test_no_forged_address_is_connected_to(url: str, connections: list[Any]) -> None:
    with pytest.raises(ForbiddenAddress):
        Transport(Origins()).get(url, query={}, headers={}, limits=limits())

    assert not connections


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_not_connected_to(
    address: str, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "13.224.1.1", address)

    with pytest.raises(ForbiddenAddress, match="leads to"):
        Transport(Origins()).get(f"{API}/3/movie/603", query={}, headers={}, limits=limits())

    assert not connections


def test_the_connection_goes_to_the_address_that_was_checked(
    connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "13.224.1.1", "13.224.1.2")
    transport = Transport(Origins())

    for _ in range(2):
        with pytest.raises(Unanswered):
            transport.get(f"{API}/3/movie/603", query={}, headers={}, limits=limits())

    assert connections == [("13.224.1.1", 443), ("13.224.1.2", 443)]  # the second, since the first did not answer


def test_a_name_that_can_not_be_looked_up_is_no_answer(connections: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(Unanswered, match="can't be looked up"):
        Transport(Origins()).get(f"{API}/3/movie/603", query={}, headers={}, limits=limits())

    assert not connections


def test_public_addresses_are_public() -> None:
    assert is_public("13.224.1.1")
    assert is_public("2600:9000:2000::1")
    assert not any(is_public(address) for address in INSIDE)
    assert ipaddress.ip_address("13.224.1.1").is_global


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8003",
        "http://127.0.0.1",
        "http://127.0.0.1:8003/",
        "http://user@127.0.0.1:8003",
        "http://10.0.0.1:8003",
        "http://evil.example:8003",
        "http://127.0.0.1.evil.example:8003",
        "http://2130706433:8003",
        "file://127.0.0.1:8003",
        "",
    ],
)
def test_a_stand_in_is_on_this_machine(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        Origins.of_stand_in(url)


def test_a_redirect_is_not_followed(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("redirect"))

    with pytest.raises(Unfit, match="redirect"):
        Transport(Origins.of_stand_in(stand_in.url)).get(
            f"{stand_in.url}/3/configuration", query={}, headers={}, limits=limits()
        )

    assert len(stand_in.asked) == 1


def test_a_huge_answer_is_given_up_at_once(stand_in: StandIn) -> None:
    stand_in.faults.put(Fault("huge"))

    with pytest.raises(Unfit, match="larger than 1,000,000 bytes"):
        Transport(Origins.of_stand_in(stand_in.url)).get(
            f"{stand_in.url}/3/configuration", query={}, headers={}, limits=limits()
        )
