"""How much work a question can cause, counted in what the index has to look up."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.search.queries import GENEROUS, STRICT
from matinee.search.questions import LONGEST_QUESTION, TooManyWords, question_of
from tests.search.films import queries_over

MOST_NEIGHBOURHOODS = 100
"""Words and titles whose neighbours are looked for: each goes through the dictionary."""
MOST_TERMS = 800
BEGUN = [
    f"{start}{letter}" for start in ("rrrrrrrrr", "abcdefgh", "heat", "heathers", "the") for letter in "abcdefghijklmno"
]
QUERIES = queries_over([{"title": word, "cast": [word], "keywords": [word]} for word in BEGUN])
"""As many words begin so as are looked up one by one."""


def assert_little_work(text: str) -> None:
    try:
        question = question_of(text)
    except TooManyWords:
        return
    asked = [QUERIES.matching(question, forgiving) for forgiving in QUERIES.levels(question)]
    asked += [QUERIES.nearly(question, edits) for edits in (1, 2) if question.runs]
    asked += [QUERIES.nearly_matching(question), *QUERIES.completions(question)]
    asked += QUERIES.distant_completions(question)
    asked += QUERIES.parts(question, GENEROUS).values()
    for query in asked:
        told = repr(query)
        assert told.count("FuzzyTermQuery") <= MOST_NEIGHBOURHOODS
        assert told.count("Term(") - told.count("FuzzyTermQuery") <= MOST_TERMS


@pytest.mark.parametrize(
    "text",
    [
        "rrrrrrrrr " * 20,
        "abcdefgh " * 22,
        "a " * 40,
        "1999 " * 40,
        "1999 heathers " * 14,
        '"a b" ' * 13,
        "七" * 40,
        "the " * 40,
        "x" * LONGEST_QUESTION,
    ],
)
def test_no_question_causes_much_work(text: str) -> None:
    assert_little_work(text)


WORDS = st.sampled_from(["heat", "heathers", "1999", "the", '"', "七人", "tt0000001", "&"])


@given(
    st.text(st.characters(max_codepoint=sys.maxunicode, exclude_categories=["Cs"]), max_size=LONGEST_QUESTION)
    | st.lists(WORDS, max_size=45).map(" ".join)
)
def test_no_text_does(text: str) -> None:
    assert_little_work(text)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("it", [(0, 0)]),
        ("heat", [(0, 0), (1, 0), (1, 1)]),
        ("heathers", [(0, 0), (1, 0), (2, 2)]),
        ("heathers 1989", [(0, 0), (1, 0), (2, 2)]),
        ("the heathers", [(0, 0), (1, 0), (2, 0), (0, 2)]),
        ("once upon a time", [(0, 0), (1, 0), (2, 0), (0, 1)]),
        ("heathers " * 9, [(0, 0), (0, 2)]),
        ('"the heathers"', [(0, 0)]),
        ("и" * 48, [(0, 0), (1, 0), (2, 2)]),
        ("и" * 49, [(0, 0)]),
        ("七人の侍" * 8, [(0, 0), (1, 0), (2, 2)]),
        ("七人の侍" * 9, [(0, 0)]),
        ("".join(map(chr, range(0x20000, 0x20028))), [(0, 0)]),
    ],
)
def test_a_question_is_asked_again_only_where_more_is_forgiven(text: str, levels: list[tuple[int, int]]) -> None:
    assert QUERIES.levels(question_of(text)) == levels


def test_what_is_typed_is_never_syntax() -> None:
    told = repr(QUERIES.matching(question_of("title:heat OR (ran* -alien~2)"), STRICT))

    assert "Regex" not in told
    assert '"or"' in told
