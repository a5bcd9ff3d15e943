"""What is not looked for could not have been found."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tantivy import Query

from matinee.search.queries import FEW_TERMS, STRICT, Forgiving
from matinee.search.questions import question_of
from tests.rounds import rounds
from tests.search.films import queries_over

TITLES = {
    "The Matrix": "In a world of machines",
    "Matrix Reloaded": "Neo again",
    "Heat": "",
    "Heathers": "A thief",
    "1984": "2001",
    "Dune": "Sand, and the worm",
    "七人の侍": "",
    "Spider-Man 2": "",
    **{f"Manhattan{number}": "" for number in range(FEW_TERMS + 2)},
}


QUERIES = queries_over(
    [
        {
            "title": title,
            "overview": overview,
            "vote_count": place,
            "directors": ["Michael Mann"],
            "cast": ["Keanu Reeves"],
            "release_date": dt.date(1981 + place, 1, 1),
        }
        for place, (title, overview) in enumerate(TITLES.items())
    ]
)
LETTERS = "aehimnrtx 12七"
PIECES = [
    "the ",
    "matrix",
    "matrx",
    "heat",
    "haet",
    "manhat",
    "spider",
    "man",
    "1984",
    " 1984",
    "duen",
    "worm",
    "keanu",
    " ",
]


def found(query: Query) -> list[int]:
    hits: Any = QUERIES.searcher.search(query, 50, weight_by_field="weight").hits
    tmdb_ids: Any = QUERIES.searcher.fast_field_values("tmdb_id", [place for _, place in hits])
    return [tmdb_id for _, tmdb_id in sorted(zip((-score for score, _ in hits), tmdb_ids, strict=True))]


@settings(max_examples=rounds(60), deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.text(LETTERS, max_size=14))
def test_only_what_no_query_would_find_is_left_out(text: str) -> None:
    question = question_of(text)
    as_typed = found(QUERIES.matching(question, STRICT))
    with_one_edit = found(QUERIES.matching(question, Forgiving(1, 0)))

    if QUERIES.is_in_no_film(question):
        assert as_typed == []
    if not as_typed and not question.phrases:
        assert found(QUERIES.nearly(question, 1)) == with_one_edit
    if not with_one_edit and not question.phrases:
        assert found(QUERIES.nearly(question, 2)) == found(QUERIES.matching(question, Forgiving(2, 0)))


@pytest.mark.parametrize(
    ("text", "in_none"),
    [
        ("the matrxi", True),
        ("the matrxi 1981", True),
        ("matrix reloded", True),
        ("matrix reload", False),
        ("mat", False),
        ("spiderman", False),
        ("spi derma", False),
        ("the spi derma", False),
        ("keanureeves", False),
        ("七人", False),
        ("worm the matrix", False),
        ("949", False),
        ("", False),
    ],
)
def test_the_dictionaries_tell_what_stands_in_no_film(text: str, *, in_none: bool) -> None:
    assert QUERIES.is_in_no_film(question_of(text)) is in_none


@pytest.mark.parametrize(("start", "films"), [("manhatt", FEW_TERMS + 2), ("manhattan1", 9), ("matrixr", 1)])
def test_few_words_that_begin_so_are_looked_up_and_many_are_gone_through(start: str, films: int) -> None:
    assert len(found(QUERIES.begun(question_of(start)))) == films
