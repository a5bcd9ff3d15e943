"""What somebody typed, read once: words, quoted phrases, a year, an id. Nothing in it is a command."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from matinee.catalog.filters import LARGEST_ID, imdb_number
from matinee.core.refusals import BadRequest, FieldError
from matinee.search.words import Words, runs_of, words_of

LONGEST_QUESTION = 200
MOST_WORDS = 40
FIRST_YEAR, LAST_YEAR = 1870, 2100
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]+)["“”„«»]')


class TooManyWords(BadRequest):
    """More words than a title has."""

    code = "too_many_words"


@dataclass(frozen=True)
class Question:
    runs: tuple[Words, ...] = ()
    """What is looked for, word by word, in order; phrases included."""
    phrases: tuple[Words, ...] = ()
    """What must stand exactly so."""
    year: int | None = None
    """A year among the words: perhaps that of the film, perhaps part of its title."""
    tmdb_id: int | None = None
    imdb_number: int | None = None

    @property
    def words(self) -> Words:
        return tuple(word for run in self.runs for word in run)

    def without_year(self) -> Question:
        """The same question where the year is no part of a title."""
        rest = list(self.runs)
        rest.remove((str(self.year),))
        return replace(self, runs=tuple(rest), year=None)


def question_of(text: str) -> Question:
    """Raises TooManyWords."""
    stripped = text.strip()
    number = imdb_number(stripped.lower())
    if number is not None:
        return Question(imdb_number=number)
    runs = tuple(runs_of(text))
    if len(runs) > MOST_WORDS or sum(map(len, runs)) > LONGEST_QUESTION:
        detail = f"Ask with {MOST_WORDS} words or fewer."
        raise TooManyWords(detail, fields=(FieldError("q", detail, TooManyWords.code),))
    phrases = tuple(words for quoted in _QUOTED.findall(text) if (words := words_of(quoted)))
    return Question(runs=runs, phrases=phrases, year=_year(runs), tmdb_id=_tmdb_id(stripped))


def _year(runs: tuple[Words, ...]) -> int | None:
    """The last word that can be a year, where it is not all there is."""
    years = [int(run[0]) for run in runs if re.fullmatch(r"[12][0-9]{3}", run[0])]
    possible = [year for year in years if FIRST_YEAR <= year <= LAST_YEAR]
    return possible[-1] if possible and len(runs) > 1 else None


def _tmdb_id(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    return int(text) if 0 < int(text) <= LARGEST_ID else None
