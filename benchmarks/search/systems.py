"""Who is asked: Matinee's own search as the endpoint calls it, and the peers over the same titles."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence
from typing import Any

from rapidfuzz import fuzz, process, utils

from benchmarks.search.known_items import Film
from benchmarks.search.measuring import DEPTH, System
from matinee.catalog.filters import EVERYTHING
from matinee.search.finding import search, suggest


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
    """SQLite's FTS5: any trigram of the question, ranked by BM25, then by votes. Title, original title and year."""

    name = "SQLite FTS5 trigram"

    def __init__(self, films: Sequence[Film]) -> None:
        self._database = sqlite3.connect(":memory:")
        self._database.execute(
            "CREATE VIRTUAL TABLE films USING fts5(title, original, year, votes UNINDEXED, "
            "tokenize='trigram remove_diacritics 1')"
        )
        self._database.executemany(
            "INSERT INTO films (rowid, title, original, year, votes) VALUES (?, ?, ?, ?, ?)",
            [(film.tmdb_id, film.title, film.original_title, str(film.year or ""), film.votes) for film in films],
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
    """Every title compared with the question; of equals the one with most votes. Titles and questions are folded."""

    def __init__(self, films: Sequence[Film], scorer: Any, *, with_year: bool = False) -> None:
        self.name = f"rapidfuzz {scorer.__name__}{', year' if with_year else ''}"
        self._scorer = scorer
        self._ids = [film.tmdb_id for film in films]
        self._titles = [folded(f"{film.title} {film.year or ''}" if with_year else film.title) for film in films]

    def ask(self, text: str) -> list[int]:
        best = process.extract(folded(text), self._titles, scorer=self._scorer, processor=None, limit=DEPTH)
        return [self._ids[place] for _, _, place in best]


def peers(films: Sequence[Film]) -> list[System]:
    """`films` by descending votes."""
    return [
        Trigrams(films),
        RapidFuzz(films, fuzz.WRatio),
        RapidFuzz(films, fuzz.ratio),
        RapidFuzz(films, fuzz.ratio, with_year=True),
    ]


def folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", utils.default_process(text))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
