"""For whom films are, by country."""

from __future__ import annotations

import pytest

from matinee.catalog.maturity import SCALES, key_of, keys_between, known_key_of, place_of


def test_every_certification_has_a_number_of_its_own() -> None:
    keys = [key_of(country, name) for country, scale in SCALES.items() for name in ("NR", *scale)]

    assert None not in keys
    assert len({*keys}) == len(keys)


def test_case_makes_no_difference() -> None:
    assert key_of("BG", "c") == key_of("BG", "C") is not None


@pytest.mark.parametrize(("country", "name"), [("US", "12"), ("DE", "PG"), ("XX", "R"), ("US", "")])
def test_what_is_on_no_list_has_none(country: str, name: str) -> None:
    assert key_of(country, name) is None


def test_what_is_not_rated_has_no_place_but_a_name() -> None:
    assert known_key_of("US", "NR") not in keys_between("US", None, None)
    with pytest.raises(ValueError, match="G, PG, PG-13, R, NC-17"):
        place_of("US", "NR")


def test_a_scale_is_cut_at_both_ends() -> None:
    pg, r = place_of("US", "PG"), place_of("US", "r")

    assert keys_between("US", pg, r) == tuple(known_key_of("US", name) for name in ("PG", "PG-13", "R"))
