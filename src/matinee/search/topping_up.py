"""Search that has TMDb asked where the catalogue has too little. Who searches does not wait for it."""

from __future__ import annotations

import datetime as dt
import re

from matinee.catalog.filters import MovieFilter, Sort
from matinee.search.finding import Found, search
from matinee.search.questions import LONGEST_QUESTION, question_of
from matinee.tmdb.searches import want_search

FEWEST_LETTERS = 3


def search_and_top_up(
    *, text: str, movie_filter: MovieFilter, sort: Sort | None, first: int, most: int, now: dt.datetime
) -> Found:
    """What `search` finds; where that is too little, TMDb is asked for more, which the next search shows."""
    found = search(text=text, movie_filter=movie_filter, sort=sort, first=first, most=most)
    words = title_in(text) if found.is_too_little else ""
    if len(words) >= FEWEST_LETTERS:
        want_search(words, now=now)
    return found


def title_in(text: str) -> str:
    """What TMDb is asked for: what was typed, without case, and without a year, by which TMDb finds nothing. "" where
    no title was typed."""
    question = question_of(text)
    if question.imdb_number is not None or not question.runs:
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    words = printable.casefold().split()
    if question.year is not None:
        words = re.sub(rf"(?<!\w){question.year}(?!\w)", " ", " ".join(words)).split()
    return " ".join(words)[:LONGEST_QUESTION]
