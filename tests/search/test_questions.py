from __future__ import annotations

import pytest

from matinee.search.questions import MOST_WORDS, TooManyWords, question_of


def test_a_year_beside_other_words_may_be_the_films() -> None:
    question = question_of("dune 1984")

    assert (question.words, question.year) == (("dune", "1984"), 1984)
    assert question.without_year().words == ("dune",)


@pytest.mark.parametrize("text", ["1984", "dune 3000", "dune 198", "dune part 2", "dune 19844"])
def test_what_is_no_year_or_all_there_is_is_a_word(text: str) -> None:
    assert question_of(text).year is None


def test_of_two_years_the_last_is_meant() -> None:
    question = question_of("2001: A Space Odyssey 1968")

    assert question.year == 1968
    assert question.without_year().words == ("2001", "a", "space", "odyssey")


@pytest.mark.parametrize("text", ['"dark knight" batman', "\u201cdark knight\u201d batman", "«Dark Knight» batman"])
def test_what_stands_in_quotes_is_a_phrase(text: str) -> None:
    question = question_of(text)

    assert question.phrases == (("dark", "knight"),)
    assert question.words == ("dark", "knight", "batman")


def test_one_quote_alone_is_nothing() -> None:
    assert question_of('12" single').phrases == ()


def test_ids_are_known_by_their_form() -> None:
    assert question_of(" TT0133093 ").imdb_number == 133093
    assert question_of("603").tmdb_id == 603
    assert question_of("603").words == ("603",)
    assert question_of("9" * 19).tmdb_id is None
    assert question_of("0").tmdb_id is None


def test_more_words_than_a_title_has_are_refused() -> None:
    assert len(question_of("a " * MOST_WORDS).words) == MOST_WORDS
    with pytest.raises(TooManyWords, match="40 words or fewer"):
        question_of("a " * (MOST_WORDS + 1))


def test_folding_can_make_one_character_long() -> None:
    with pytest.raises(TooManyWords):
        question_of("\ufdfa" * 60)
