"""Who is asked: Matinee's own search as the endpoint calls it, and the peers over the same titles."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from rapidfuzz import fuzz, process, utils

from benchmarks.search.known_items import Film
from benchmarks.search.measuring import DEPTH, System
from matinee.catalog.filters import EVERYTHING
from matinee.search.finding import search, suggest

Text: TypeAlias = Callable[[Film], str]
TITLES: dict[str, Text] = {
    "title": lambda film: film.title,
    "original": lambda film: film.original_title or "",
    "year": lambda film: str(film.year or ""),
}
"""What a peer reads of a film, by its columns."""
FACTS: dict[str, Text] = {
    **TITLES,
    "people": lambda film: ", ".join(dict.fromkeys([*film.directors, *film.cast])),
    "keywords": lambda film: ", ".join(film.keywords),
}


class Matinee:
    name = "Matinee search"

    def ask(self, text: str) -> list[int]:
        found = search(text=text, movie_filter=EVERYTHING, sort=None, first=DEPTH)
        return [int(tmdb_id) for tmdb_id in found.tmdb_ids[:DEPTH]]


class MatineeSuggest:
    name = "Matinee suggest"

    def ask(self, text: str) -> list[int]:
        return suggest(text=text)


class Trigrams:
    """SQLite's FTS5: any trigram of the question, ranked by BM25, then by votes."""

    name = "SQLite FTS5 trigram"

    def __init__(self, films: Sequence[Film], texts: Mapping[str, Text]) -> None:
        self._database = sqlite3.connect(":memory:")
        columns = ", ".join(texts)
        self._database.execute(
            f"CREATE VIRTUAL TABLE films USING fts5({columns}, votes UNINDEXED, tokenize='trigram remove_diacritics 1')"
        )
        self._database.executemany(
            f"INSERT INTO films (rowid, votes, {columns}) VALUES (?, ?{', ?' * len(texts)})",
            [(film.tmdb_id, film.votes, *(text(film) for text in texts.values())) for film in films],
        )

    def ask(self, text: str) -> list[int]:
        lower = text.lower()
        trigrams = dict.fromkeys(lower[place : place + 3] for place in range(len(lower) - 2))
        if not trigrams:
            return []
        match = " OR ".join('"{}"'.format(each.replace('"', '""')) for each in trigrams)
        rows = self._database.execute(
            "SELECT rowid FROM films WHERE films MATCH ? ORDER BY bm25(films), votes DESC LIMIT ?", (match, DEPTH)
        )
        return [row[0] for row in rows]


class RapidFuzz:
    """One text of every film compared with the question; of equals the one with most votes. Texts and questions are
    folded."""

    def __init__(self, name: str, films: Sequence[Film], scorer: Any, texts: Sequence[Text]) -> None:
        self.name = f"rapidfuzz {name}"
        self._scorer = scorer
        self._ids = [film.tmdb_id for film in films]
        self._texts = [folded(" ".join(text(film) for text in texts)) for film in films]

    def ask(self, text: str) -> list[int]:
        best = process.extract(folded(text), self._texts, scorer=self._scorer, processor=None, limit=DEPTH)
        return [self._ids[place] for _, _, place in best]


class RapidFuzzOfEach:
    """Each title, name and keyword compared with the question: a film is as near as the nearest of its own, and of
    equals the one with most votes comes first."""

    name = "rapidfuzz ratio, each fact"

    def __init__(self, films: Sequence[Film]) -> None:
        self._films: dict[str, list[int]] = {}
        for film in films:
            facts = [film.title, film.original_title or "", *film.directors, *film.cast, *film.keywords]
            for fact in dict.fromkeys(map(folded, facts)):
                self._films.setdefault(fact, []).append(film.tmdb_id)
        self._facts = list(self._films)

    def ask(self, text: str) -> list[int]:
        best = process.extract(folded(text), self._facts, scorer=fuzz.ratio, processor=None, limit=DEPTH)
        return [*dict.fromkeys(film for fact, _, _ in best for film in self._films[fact])][:DEPTH]


def peers(films: Sequence[Film]) -> list[System]:
    """`films` by descending votes."""
    title, year = TITLES["title"], TITLES["year"]
    return [
        Trigrams(films, TITLES),
        RapidFuzz("WRatio", films, fuzz.WRatio, [title]),
        RapidFuzz("ratio", films, fuzz.ratio, [title]),
        RapidFuzz("ratio, year", films, fuzz.ratio, [title, year]),
    ]


def peers_by_facts(films: Sequence[Film]) -> list[System]:
    """The same for questions by whatever is known of a film."""
    return [
        Trigrams(films, FACTS),
        RapidFuzz("token_set_ratio", films, fuzz.token_set_ratio, [*FACTS.values()]),
        RapidFuzzOfEach(films),
    ]


def folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", utils.default_process(text))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
