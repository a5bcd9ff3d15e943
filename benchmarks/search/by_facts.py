"""Questions for a known film by what else is known of it: its original title, its people, its keywords."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import TypeAlias

from benchmarks.search.known_items import TYPOS, Film, Write, with_typos
from matinee.search.documents import COMMONEST
from matinee.search.words import words_of

FIRST_BILLED = 5
NAMED = 3
"""Of the cast, whose names stand beside a word of the title."""
MOST_KEYWORDS = 8
DIRECTOR = "the director"
MISTYPED = "the director, one typo"

Ways: TypeAlias = Callable[[Film], list[str]]
"""Whatever the film may be asked for with, each as likely as the others; nothing where the fact is not known."""


def original_title(film: Film) -> list[str]:
    original = film.original_title or ""
    return [original.lower()] if words_of(original) and words_of(original) != words_of(film.title) else []


def director(film: Film) -> list[str]:
    return [name.lower() for name in film.directors[:1]]


def director_and_year(film: Film) -> list[str]:
    return [f"{name} {film.year}" for name in director(film) if film.year]


def one_of_the_cast(film: Film) -> list[str]:
    return sorted(name.lower() for name in dict.fromkeys(film.cast[:FIRST_BILLED]))


def two_of_the_cast(film: Film) -> list[str]:
    return [" ".join(pair) for pair in itertools.combinations(one_of_the_cast(film), 2)]


def a_name_and_a_word(film: Film) -> list[str]:
    names = dict.fromkeys([*film.directors[:1], *film.cast[:NAMED]])
    words = [word for word in dict.fromkeys(words_of(film.title)) if word not in COMMONEST]
    return [f"{name.lower()} {word}" for name in names for word in words]


def three_keywords(film: Film) -> list[str]:
    keywords = sorted(dict.fromkeys(film.keywords[:MOST_KEYWORDS]))
    return [" ".join(three) for three in itertools.combinations(keywords, 3)]


def director_mistyped(film: Film, random: Random) -> str | None:
    for name in director(film):
        return with_typos(name, [random.choice(list(TYPOS))], random)
    return None


def drawn_from(ways: Ways) -> Write:
    def write(film: Film, random: Random) -> str | None:
        texts = ways(film)
        return random.choice(texts) if texts else None

    return write


WAYS: dict[str, Ways] = {
    "original title": original_title,
    DIRECTOR: director,
    "the director and the year": director_and_year,
    "one of the cast": one_of_the_cast,
    "two of the cast": two_of_the_cast,
    "a name and a word of the title": a_name_and_a_word,
    "three keywords": three_keywords,
}
KINDS: dict[str, Write] = {kind: drawn_from(ways) for kind, ways in WAYS.items()} | {MISTYPED: director_mistyped}
