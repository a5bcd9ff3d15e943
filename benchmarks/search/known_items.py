"""Questions whose answer is known: the title of a real film, written as people write it."""

from __future__ import annotations

import itertools
import math
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, TypeAlias

from matinee.search.words import ARABIC, IN_FIGURES, ROMAN, SPELLED

LETTERS = string.ascii_lowercase
FEWEST_LETTERS = {1: 4, 2: 8}
"""That a title has where one or two mistakes are made in it."""
BEGUN = 0.3, 0.8
"""The share of a title that has been typed, at least and at most."""
FEWEST_BEGUN = 4


class Film(NamedTuple):
    """What questions are made from, and what the peers index."""

    tmdb_id: int
    title: str
    original_title: str | None
    year: int | None
    votes: int
    directors: Sequence[str] = ()
    cast: Sequence[str] = ()
    keywords: Sequence[str] = ()


@dataclass(frozen=True)
class KnownItem:
    kind: str
    text: str
    tmdb_id: int


Write: TypeAlias = Callable[[Film, Random], str | None]
"""The film's title as somebody writes it; None where it can't be written so."""


def known_items(
    films: Sequence[Film], *, each: int, seed: int, kinds: Mapping[str, Write] | None = None
) -> list[KnownItem]:
    """`each` questions of every kind, or as many as films allow; those of KINDS where no others are given. A film is
    asked for by how known it is (log of votes), and once a kind."""
    random = Random(seed)
    questions = []
    for kind, write in (kinds or KINDS).items():
        asked: dict[int, str] = {}
        for film in _drawn(films, random):
            if len(asked) == each:
                break
            text = write(film, random)
            if text is not None:
                asked[film.tmdb_id] = text
        questions += [KnownItem(kind, text, tmdb_id) for tmdb_id, text in asked.items()]
    return questions


def halves(items: Sequence[KnownItem]) -> tuple[list[KnownItem], list[KnownItem]]:
    """One half to fit on and one to report: films that are in one are not in the other."""
    return [item for item in items if item.tmdb_id % 2], [item for item in items if not item.tmdb_id % 2]


def _drawn(films: Sequence[Film], random: Random) -> Iterable[Film]:
    """All films in a random order, likelier ones earlier (Efraimidis and Spirakis 2006)."""
    known = [film for film in films if film.votes > 0]
    keys = {film.tmdb_id: random.random() ** (1 / known_by(film)) for film in known}
    return sorted(known, key=lambda film: keys[film.tmdb_id], reverse=True)


def known_by(film: Film) -> float:
    return math.log2(1 + film.votes)


def whole(film: Film, _random: Random) -> str:
    return film.title.lower()


def prefix(film: Film, random: Random) -> str | None:
    """What is typed halfway: 30 to 80 of 100 characters, four at least."""
    length = round(len(film.title) * random.uniform(*BEGUN))
    return film.title[:length].lower() if FEWEST_BEGUN <= length < len(film.title) else None


def word_left_out(film: Film, random: Random) -> str | None:
    texts = without_a_word(film)
    return random.choice(texts) if texts else None


def without_a_word(film: Film) -> list[str]:
    """The title without its first word, without its second and so on; none of a title of two words."""
    words = film.title.lower().split()
    return [" ".join(words[:place] + words[place + 1 :]) for place in range(len(words)) if len(words) > 2]


def accents_dropped(film: Film, _random: Random) -> str | None:
    apart = unicodedata.normalize("NFKD", film.title)
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter)).lower()
    return plain if plain != film.title.lower() else None


def numerals_swapped(film: Film, _random: Random) -> str | None:
    words = film.title.lower().split()
    swapped = [_swapped(word) for word in words]
    return " ".join(swapped) if swapped != words and len(words) > 1 else None


def _swapped(word: str) -> str:
    bare = word.strip(":,.")
    if bare in {"v", "x"}:
        return word  # a letter as often as a number
    return word.replace(bare, ROMAN.get(bare) or ARABIC.get(bare) or bare) if bare else word


def numbers_spelled_otherwise(film: Film, _random: Random) -> str | None:
    words = film.title.lower().split()
    spelled = [SPELLED.get(word) or IN_FIGURES.get(word) or word for word in words]
    return " ".join(spelled) if spelled != words and len(words) > 1 else None


def year_added(film: Film, _random: Random) -> str | None:
    return f"{film.title.lower()} {film.year}" if film.year else None


def put_in(text: str, place: int, random: Random) -> str:
    return text[:place] + random.choice(LETTERS) + text[place:]


def left_out(text: str, place: int, _random: Random) -> str:
    return text[:place] + text[place + 1 :]


def changed(text: str, place: int, random: Random) -> str:
    return text[:place] + random.choice([letter for letter in LETTERS if letter != text[place]]) + text[place + 1 :]


def swapped(text: str, place: int, _random: Random) -> str:
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


TYPOS: dict[str, Callable[[str, int, Random], str]] = {
    "put in": put_in,
    "left out": left_out,
    "changed": changed,
    "swapped": swapped,
}


def mistyped(kinds: Sequence[str]) -> Write:
    """The title with one typo of each of `kinds`."""

    def write(film: Film, random: Random) -> str | None:
        return with_typos(film.title.lower(), kinds, random)

    return write


def with_typos(text: str, kinds: Sequence[str], random: Random) -> str | None:
    """At letters drawn at random; each changes what is there."""
    for kind in kinds:
        places = _places(text, kind)
        if sum(map(str.isalpha, text)) < FEWEST_LETTERS[len(kinds)] or not places:
            return None
        text = TYPOS[kind](text, random.choice(places), random)
    return text


def two_typos(film: Film, random: Random) -> str | None:
    return mistyped(random.choices(list(TYPOS), k=2))(film, random)


def _places(text: str, kind: str) -> list[int]:
    if kind != "swapped":
        return [place for place, letter in enumerate(text) if letter.isalpha()]
    pairs = list(itertools.pairwise(text))
    return [place for place, (one, other) in enumerate(pairs) if one.isalpha() and other.isalpha() and one != other]


TYPO_KINDS: dict[str, Write] = {
    **{f"one typo: a letter {kind}": mistyped([kind]) for kind in TYPOS},
    "two typos": two_typos,
}
KINDS: dict[str, Write] = {
    "whole title": whole,
    "beginning": prefix,
    "one word left out": word_left_out,
    **TYPO_KINDS,
    "accents dropped": accents_dropped,
    "numerals swapped": numerals_swapped,
    "year added": year_added,
    "numbers spelled otherwise": numbers_spelled_otherwise,
}
