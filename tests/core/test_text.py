from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.core.text import UnacceptableText, cleaned, comparison_key


def test_text_is_stored_composed_with_its_line_breaks_and_tabs() -> None:
    assert cleaned("Ame\u0301lie\r\n\tgood") == "Am\u00e9lie\n\tgood"


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\ud800", "\uffff", "\U0010fffe"])
def test_a_character_that_is_never_stored_is_named(character: str) -> None:
    with pytest.raises(UnacceptableText, match=f"U\\+{ord(character):04X}"):
        cleaned(f"a{character}b")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    try:
        once = cleaned(text)
    except UnacceptableText:
        return

    assert cleaned(once) == once == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("one", "other"), [("Alice", "ALICE"), ("stra\u00dfe", "STRASSE"), ("\uff41lice", "alice"), ("\u017f", "S")]
)
def test_names_that_look_the_same_compare_the_same(one: str, other: str) -> None:
    assert comparison_key(one) == comparison_key(other)
