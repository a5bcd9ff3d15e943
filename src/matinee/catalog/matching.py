"""Which film of the catalogue a title and a year mean, for sources that know films by no id of TMDb's.

Titles are compared by their letters and digits alone: accents, case, punctuation and "&" make no difference, and an
article that was moved to the end is moved back. A doubtful title matches nothing: a wrong film is worse than none.

1. A film of the exact year comes before one of the year before or after, and the title proper before one in brackets.
   Last, in the exact year only, comes a loose likeness: without a leading "The" or "A", and without a part's number
   before its subtitle ("Star Trek: The Wrath of Khan" is "Star Trek II: The Wrath of Khan").
2. Of several films with that title in the exact year the one with ten times the votes of any other is meant, if there
   is one: who rates films has seen them. One year off, only a film that is alone is.
3. A film that one title means in its exact year is meant by no other title one year off.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

ARTICLES = {
    "en": ("The", "A", "An"),
    "fr": ("Le", "La", "Les", "L'", "Un", "Une", "Des"),
    "de": ("Der", "Die", "Das", "Ein", "Eine"),
    "es": ("El", "La", "Los", "Las", "Un", "Una"),
    "it": ("Il", "Lo", "La", "I", "Gli", "Le", "Un", "Una", "Uno"),
    "pt": ("O", "A", "Os", "As", "Um", "Uma"),
    "nl": ("De", "Het", "Een"),
    "sv": ("Den", "Det", "En", "Ett"),
    "da": ("Den", "Det", "En", "Et"),
    "no": ("Den", "Det", "En", "Et"),
}
"""By language, as ISO 639 has it."""
CLEARLY_MORE_VOTES = 10
PROPER, BRACKETED, LOOSE, ONE_OFF = range(4)
LETTERS_WITHOUT_PARTS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "þ": "th"})
_NEITHER_LETTER_NOR_DIGIT = re.compile(r"[\W_]+")
_ANY_ARTICLE = "|".join(article for articles in ARTICLES.values() for article in articles)
_MOVED_ARTICLE = re.compile(rf"(?P<rest>.+?), (?P<article>{_ANY_ARTICLE})(?P<subtitle>: .+)?", re.I | re.S)
_LEADING_ARTICLE = re.compile(r"(?:the|an?) ", re.I)
_PART_BEFORE_SUBTITLE = re.compile(r" (?:part )?(?:\d+|[ivx]+): ", re.I)
_YEAR_AT_END = re.compile(r"(?P<title>.*?)\s*\((?P<year>\d{4})(?:\W\d{0,4})?\)", re.S)
_BRACKETS_AT_END = re.compile(r"(?P<title>.+?)\s*\((?P<inner>[^()]+)\)", re.S)
_ALSO_KNOWN_AS = re.compile(r"a\.?k\.?a\.?:?\s+", re.I)


class Title(NamedTuple):
    """A film as somebody else names it: every name it goes by, the title proper first, and its year where known."""

    names: tuple[str, ...]
    year: int | None


class CatalogueTitle(NamedTuple):
    """What matching needs of a film of the catalogue."""

    tmdb_id: int
    title: str
    original_title: str | None
    year: int | None
    vote_count: int


class _Claim(NamedTuple):
    rank: int
    tmdb_id: int
    vote_count: int


def parse_title(text: str) -> Title:
    """Take a title apart as MovieLens writes it: "City of Lost Children, The (Cité des enfants perdus, La) (1995)"."""
    dated = _YEAR_AT_END.fullmatch(text.strip())
    rest, year = (dated["title"], int(dated["year"])) if dated else (text.strip(), None)
    whole, inner = rest, []
    while (bracketed := _BRACKETS_AT_END.fullmatch(rest)) is not None:
        rest = bracketed["title"]
        inner.append(_ALSO_KNOWN_AS.sub("", bracketed["inner"]))
    names = (_article_in_front(name) for name in (rest, whole, *inner))
    return Title(names=tuple(dict.fromkeys(names)), year=year)


def title_key(name: str) -> str:
    """What two names of a film are compared by: their letters and digits, in lower case and without accents."""
    folded = unicodedata.normalize("NFKD", name).casefold().replace("&", "and").translate(LETTERS_WITHOUT_PARTS)
    plain = unicodedata.normalize("NFKD", folded)
    return _NEITHER_LETTER_NOR_DIGIT.sub("", plain) or name.strip().casefold()


def loose_title_key(name: str) -> str:
    """The key of `name` without a leading English article and without the part's number before a subtitle."""
    return title_key(_PART_BEFORE_SUBTITLE.sub(": ", _LEADING_ARTICLE.sub("", name, count=1)))


def match(wanted: Sequence[Title], films: Iterable[CatalogueTitle]) -> list[int | None]:
    """The TMDb id that each title means, or None. Memory grows with `wanted`, not with `films`."""
    seekers: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, title in enumerate(wanted):
        for key, likeness in _keys(title.names).items():
            seekers[key].append((index, likeness))
    claims: list[dict[int, _Claim]] = [{} for _ in wanted]
    for film in films:
        for key, likeness in _keys((film.title,), (film.original_title or film.title,)).items():
            for index, wanted_likeness in seekers.get(key, ()):
                rank = _rank(max(likeness, wanted_likeness), film.year, wanted[index].year)
                if rank is not None:
                    claim = _Claim(rank, film.tmdb_id, film.vote_count)
                    claims[index][film.tmdb_id] = min(claims[index].get(film.tmdb_id, claim), claim)
    return _decide(claims)


def _article_in_front(name: str) -> str:
    moved = _MOVED_ARTICLE.fullmatch(name)
    if moved is None:
        return name
    space = "" if moved["article"].endswith("'") else " "
    return f"{moved['article']}{space}{moved['rest']}{moved['subtitle'] or ''}"


def _keys(*names: Sequence[str]) -> dict[str, int]:
    """The keys that a film is found by and how well each names it; the first of each sequence is a title proper."""
    keys: dict[str, int] = {}
    for first, *others in names:
        keys[title_key(first)] = PROPER
        for name in others:
            keys.setdefault(title_key(name), BRACKETED)
    for name in (name for group in names for name in group):
        keys.setdefault(loose_title_key(name), LOOSE)
    return keys


def _rank(likeness: int, year: int | None, wanted_year: int | None) -> int | None:
    """0 is best; None is no match. Ranks below ONE_OFF are of the exact year."""
    if year is None or wanted_year is None:
        return None
    off = abs(year - wanted_year)
    if off > 1 or (off == 1 and likeness == LOOSE):
        return None
    return off * ONE_OFF + likeness


def _decide(claims: Sequence[dict[int, _Claim]]) -> list[int | None]:
    meant: list[int | None] = [None] * len(claims)
    taken: set[int] = set()
    for exact in (True, False):
        for index, candidates in enumerate(claims):
            if meant[index] is None and candidates:
                best = min(claim.rank for claim in candidates.values())
                if (best < ONE_OFF) == exact:
                    meant[index] = _only([c for c in candidates.values() if c.rank == best], taken, exact=exact)
        taken.update(tmdb_id for tmdb_id in meant if tmdb_id is not None)
    return meant


def _only(claims: list[_Claim], taken: set[int], *, exact: bool) -> int | None:
    first, *others = sorted(claims, key=lambda claim: claim.vote_count, reverse=True)
    if not exact:
        return None if others or first.tmdb_id in taken else first.tmdb_id
    if others and first.vote_count < CLEARLY_MORE_VOTES * max(others[0].vote_count, 1):
        return None
    return first.tmdb_id
