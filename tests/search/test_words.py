from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.search.words import (
    LONGEST_WORD,
    in_other_numerals,
    key_of,
    names_of,
    runs_of,
    spelled_otherwise,
    swaps_of,
    without_article,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Amélie", "amelie"),
        ("WALL·E", "wall e"),
        ("Ocean's Eleven", "oceans eleven"),
        ("Ocean\u2019s Eleven", "oceans eleven"),
        ("Fast & Furious", "fast and furious"),
        ("Mission: Impossible \u2013 Fallout", "mission impossible fallout"),
        ("Æon Flux", "aeon flux"),
        ("Straße", "strasse"),
        ("Smørrebrød", "smorrebrod"),
        ("Ёлки", "елки"),
        ("ﬁlm ½", "film 1 2"),
        ("سيّارة", "سيارة"),
        ("שָׁלוֹם", "שלום"),
        ("七人の侍", "七 人 の 侍"),
        ("올드보이", "올드보이"),
        ("$", "$"),
        ("★ ★", "★★"),
        ("\x00", ""),
        (" \t\n", ""),
    ],
)
def test_case_accents_and_punctuation_make_no_difference(text: str, words: str) -> None:
    expected = words_of(words) if any(letter > "ᄀ" and letter < "\ud7ff" for letter in words) else tuple(words.split())

    assert words_of(text) == expected


def test_characters_that_are_words_stand_in_one_run_where_nothing_parts_them() -> None:
    assert runs_of("七人 no 侍") == [("七", "人"), ("no",), ("侍",)]


def test_numerals_are_known_in_both_kinds() -> None:
    assert in_other_numerals(("rocky", "ii")) == ("rocky", "2")
    assert in_other_numerals(("rocky", "2")) == ("rocky", "ii")
    assert in_other_numerals(("kill", "bill", "vol", "1")) == ("kill", "bill", "vol", "i")
    assert in_other_numerals(("i", "robot")) == ("i", "robot")


def test_numbers_are_known_as_words_and_in_figures() -> None:
    assert spelled_otherwise(("oceans", "eleven")) == ("oceans", "11")
    assert spelled_otherwise(("12", "angry", "men")) == ("twelve", "angry", "men")
    assert spelled_otherwise(("rocky", "ii")) == ("rocky", "two")
    assert spelled_otherwise(("2001",)) == ("2001",)


def test_what_a_hyphen_joins_is_one_word_too() -> None:
    assert names_of(["The Amazing Spider-Man"]) == [
        ("the", "amazing", "spider", "man"),
        ("the", "amazing", "spiderman"),
    ]
    assert names_of(["Catch - 22"]) == [("catch", "22")]


def test_a_leading_article_is_one_in_the_films_own_language_alone() -> None:
    assert without_article(("the", "matrix")) == ("matrix",)
    assert without_article(("die", "hard"), "en") == ("die", "hard")
    assert without_article(("die", "welle"), "de") == ("welle",)
    assert without_article(("the",)) == ("the",)


def test_a_title_is_one_word_where_blanks_do_not_count() -> None:
    assert key_of(("spider", "man")) == key_of(("spiderman",))


def test_neighbours_are_swapped_where_that_makes_a_difference() -> None:
    assert swaps_of("heat") == ["ehat", "haet", "heta"]
    assert swaps_of("aab") == ["aba"]
    assert swaps_of("a") == []


def test_a_film_goes_by_both_titles_in_all_numerals_once() -> None:
    assert names_of(["Rocky II", "Rocky II"]) == [("rocky", "ii"), ("rocky", "2"), ("rocky", "two")]
    assert names_of(["Brother", "Брат", None, ""]) == [("brother",), ("брат",)]


# But for one that is out of use: it falls apart into an apostrophe, which parts no word, and an n.
ANY_CHARACTER = st.characters(max_codepoint=sys.maxunicode, exclude_categories=(), exclude_characters="\u0149")


@given(st.text(ANY_CHARACTER, max_size=300))
def test_any_text_is_words_without_blanks_that_stay_what_they_are(text: str) -> None:
    words = words_of(text)

    assert all(word and not word.isspace() and len(word) <= LONGEST_WORD for word in words)
    assert words_of(" ".join(words)) == words


@given(st.text(st.sampled_from("abcé 'ßΣ&七人の-"), max_size=30))
def test_words_of_words_are_the_same_words(text: str) -> None:
    words = words_of(text)

    assert words_of(" ".join(words)) == words
