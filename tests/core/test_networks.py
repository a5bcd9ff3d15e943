from __future__ import annotations

import pytest

from matinee.core.networks import KEPT, NEIGHBOURHOOD, SUBSCRIBER, Bits, is_this_machine, network_of


def test_a_subscriber_is_a_whole_64_of_ipv6_and_one_address_of_ipv4() -> None:
    assert network_of("198.51.100.7", SUBSCRIBER) == "198.51.100.7/32"
    assert network_of("2001:db8:1:2:3::4", SUBSCRIBER) == network_of("2001:db8:1:2::ffff", SUBSCRIBER)
    assert network_of("2001:db8:1:3::4", SUBSCRIBER) != network_of("2001:db8:1:2::4", SUBSCRIBER)


@pytest.mark.parametrize(
    ("bits", "of_ipv4", "of_ipv6"),
    [
        (SUBSCRIBER, "198.51.100.7/32", "2001:db8:1:2::/64"),
        (NEIGHBOURHOOD, "198.51.100.0/24", "2001:db8:1:2::/64"),
        (KEPT, "198.51.100.0/24", "2001:db8:1::/48"),
    ],
    ids=["counting requests", "guarding passwords", "the trail"],
)
def test_each_purpose_has_its_size(bits: Bits, of_ipv4: str, of_ipv6: str) -> None:
    assert (network_of("198.51.100.7", bits), network_of("2001:db8:1:2:3::4", bits)) == (of_ipv4, of_ipv6)


@pytest.mark.parametrize("address", ["", "unix:", "198.51.100", "2001:db8::1%eth0/1"])
def test_what_is_no_address_has_no_network(address: str) -> None:
    assert network_of(address, SUBSCRIBER) == ""


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.1.1", "::1"])
def test_names_and_addresses_of_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "db", "localhost.example.org", "10.0.0.1", "0.0.0.0", "128.0.0.1", "::2"])
def test_all_others_may_be_elsewhere(host: str) -> None:
    assert not is_this_machine(host)
