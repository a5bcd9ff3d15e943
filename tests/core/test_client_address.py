"""From which address a request comes, and that nobody but a proxy of ours can say that it is another one."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from matinee.core import env
from matinee.core.client_address import client_address, is_trusted_proxy

PROXIES = tuple(ipaddress.ip_network(network) for network in ("10.0.0.0/8", "127.0.0.1", "fd00::/8"))
PROXY, CLIENT, SPOOFED = "10.0.0.1", "198.51.100.7", "6.6.6.6"


def address_of(peer: str, **headers: str) -> str:
    return client_address({"REMOTE_ADDR": peer, **{f"HTTP_{name}": value for name, value in headers.items()}})


@pytest.fixture
def behind_proxies(settings: Any) -> Any:
    settings.TRUSTED_PROXIES = PROXIES
    return settings


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (CLIENT, CLIENT),
        (f"{SPOOFED}, {CLIENT}", CLIENT),
        (f"{SPOOFED},10.9.9.9,{CLIENT},10.2.3.4", CLIENT),
        (f"{CLIENT}:4711", CLIENT),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:DB8:0::1]:4711", "2001:db8::1"),
        (f"::ffff:{CLIENT}", CLIENT),
        ("10.2.3.4", "10.2.3.4"),
    ],
)
def test_a_proxy_of_ours_tells_it_and_what_stands_before_is_not_read(
    behind_proxies: None, told: str, address: str
) -> None:
    assert address_of(PROXY, X_FORWARDED_FOR=told) == address


@pytest.mark.parametrize("told", ["", " ", ",", f"{SPOOFED},", f"{SPOOFED}, unknown", f"{SPOOFED}, 1.2.3", "fe80::1%a"])
def test_what_is_no_address_ends_the_reading_at_the_proxy(behind_proxies: None, told: str) -> None:
    assert address_of(PROXY, X_FORWARDED_FOR=told) == PROXY


def test_who_connects_without_a_proxy_of_ours_can_say_nothing(settings: Any) -> None:
    spoofed = {"X_FORWARDED_FOR": SPOOFED, "FORWARDED": f"for={SPOOFED}", "X_REAL_IP": SPOOFED}

    assert address_of(CLIENT, **spoofed) == CLIENT
    settings.TRUSTED_PROXIES = PROXIES
    assert address_of(CLIENT, **spoofed) == CLIENT
    assert address_of("::ffff:198.51.100.7", **spoofed) == CLIENT


def test_a_long_list_of_our_own_proxies_is_not_followed_for_ever(behind_proxies: None) -> None:
    assert address_of(PROXY, X_FORWARDED_FOR=f"{SPOOFED}," + "10.0.0.2," * 5_000 + "10.0.0.3") == "10.0.0.2"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (f"for={CLIENT}", CLIENT),
        (f'for={SPOOFED}, For="{CLIENT}:4711";proto=https;by=10.0.0.1', CLIENT),
        (f'for={SPOOFED}, proto=https;for="[2001:db8::1]:4711"', "2001:db8::1"),
        (f"for={SPOOFED}, for={CLIENT}, for=10.2.3.4", CLIENT),
        (f"for={SPOOFED}, for=_hidden", PROXY),
        (f"for={SPOOFED}, for=unknown", PROXY),
        (f"for={SPOOFED}, proto=https", PROXY),
        (f'for={CLIENT};host="a, for={SPOOFED}"', PROXY),
        (f'for={CLIENT};host="a, for={SPOOFED};x="', PROXY),
        (f'for={CLIENT};host="a, for={SPOOFED};x=\\""', PROXY),
        (f'for="a, for={CLIENT}', CLIENT),
        ("", PROXY),
    ],
)
def test_rfc_7239_is_read_by_whole_elements(behind_proxies: Any, told: str, address: str) -> None:
    behind_proxies.PROXY_HEADER = "HTTP_FORWARDED"

    assert address_of(PROXY, FORWARDED=told, X_FORWARDED_FOR=SPOOFED) == address


def test_of_the_two_headers_only_the_one_that_the_proxies_write_is_read(behind_proxies: None) -> None:
    assert address_of(PROXY, FORWARDED=f"for={SPOOFED}", X_FORWARDED_FOR=CLIENT) == CLIENT
    assert address_of(PROXY, FORWARDED=f"for={SPOOFED}") == PROXY


def test_an_address_that_is_none_stays_what_it_is(behind_proxies: Any) -> None:
    assert (address_of(""), address_of("unix:", X_FORWARDED_FOR=SPOOFED)) == ("", "unix:")
    behind_proxies.TRUSTED_PROXIES = ()
    assert address_of("unix:") == "unix:"


def test_a_proxy_is_known_by_address_or_network(behind_proxies: None) -> None:
    assert [is_trusted_proxy(peer) for peer in ("10.255.0.1", "::ffff:10.0.0.1", "127.0.0.1", "fd00::1")] == [True] * 4
    assert not any(is_trusted_proxy(peer) for peer in ("11.0.0.1", "127.0.0.2", "::1", "", "unix:"))


@pytest.mark.parametrize("raw", ["proxy.example", "10.0.0.1/8", "0.0.0.0/0", "10.0.0.0/8, ::/0", "*"])
def test_a_list_of_proxies_that_makes_no_sense_stops_the_start(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("MATINEE_X", raw)

    with pytest.raises(env.ConfigurationError, match="MATINEE_X"):
        env.networks("MATINEE_X")


def test_proxies_are_listed_as_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.networks("MATINEE_X") == ()
    monkeypatch.setenv("MATINEE_X", "10.0.0.0/8, 127.0.0.1,fd00::/8")

    assert env.networks("MATINEE_X") == PROXIES
