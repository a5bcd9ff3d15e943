"""PostgreSQL's full text with pg_trgm, on a server of its own; where no server with that module is installed, nothing.

Debian's postgresql package has both. The server that the tests start is another one, without contrib modules.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg

from benchmarks.search.known_items import Film
from benchmarks.search.measuring import DEPTH
from benchmarks.search.systems import FACTS, folded

SERVERS = Path("/usr/lib/postgresql")
MODULES = Path("/usr/share/postgresql")
NOT_ROOT = "postgres"
"""Root is refused by the server; Debian's package brings this user."""
NEAR = 0.2
"""Similarity from which on a title is looked at; pg_trgm's own 0.3 misses short titles with a typo."""
TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE film (id bigint PRIMARY KEY, title text, original text, votes integer, words tsvector);
"""
INDEXES = """
CREATE INDEX ON film USING gin (title gin_trgm_ops);
CREATE INDEX ON film USING gin (original gin_trgm_ops);
CREATE INDEX ON film USING gin (words);
ANALYZE film;
"""
ASK = """
SELECT id FROM film, websearch_to_tsquery('simple', %(text)s) asked
WHERE title %% %(text)s OR original %% %(text)s OR %(text)s <%% title OR words @@ asked
ORDER BY greatest(similarity(title, %(text)s), similarity(original, %(text)s))
    + 0.25 * greatest(word_similarity(%(text)s, title), word_similarity(%(text)s, original))
    + ts_rank(words, asked) DESC, votes DESC
LIMIT %(most)s
"""
"""Of four such orders the best on the half of the questions that is not reported."""
TABLES_OF_FACTS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE told (
    id bigint PRIMARY KEY, title text, original text, year text, people text, keywords text, votes integer,
    words tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', title || ' ' || original || ' ' || year), 'A')
        || setweight(to_tsvector('simple', people), 'B') || setweight(to_tsvector('simple', keywords), 'C')
    ) STORED
);
"""
INDEXES_OF_FACTS = """
CREATE INDEX ON told USING gin (title gin_trgm_ops);
CREATE INDEX ON told USING gin (original gin_trgm_ops);
CREATE INDEX ON told USING gin (people gin_trgm_ops);
CREATE INDEX ON told USING gin (words);
ANALYZE told;
"""
ASK_BY_FACTS = """
SELECT id FROM told, websearch_to_tsquery('simple', %(text)s) asked
WHERE title %% %(text)s OR original %% %(text)s OR %(text)s <%% title OR %(text)s <%% people OR words @@ asked
ORDER BY greatest(similarity(title, %(text)s), similarity(original, %(text)s), word_similarity(%(text)s, people))
    + 0.25 * greatest(word_similarity(%(text)s, title), word_similarity(%(text)s, original))
    + ts_rank(words, asked) DESC, votes DESC
LIMIT %(most)s
"""


class PostgreSQL:
    """Titles near by their trigrams, or with all the words; ranked by both, then by votes. Title, original title and
    year. Titles and questions are folded."""

    name = "PostgreSQL full text, pg_trgm"
    statement: LiteralString = ASK

    def __init__(self, connection: psycopg.Connection, films: Sequence[Film]) -> None:
        self._connection = connection
        connection.execute(TABLES)
        with connection.cursor().copy("COPY film (id, title, original, votes, words) FROM STDIN") as copy:
            copy.set_types(["int8", "text", "text", "int4", "text"])
            for film in films:
                title, original = folded(film.title), folded(film.original_title or "")
                words = dict.fromkeys([*title.split(), *original.split(), *([str(film.year)] if film.year else ())])
                copy.write_row((film.tmdb_id, title, original, film.votes, " ".join(words)))
        connection.execute(INDEXES)
        connection.execute(f"SET pg_trgm.similarity_threshold = {NEAR}")

    def clock(self) -> float:
        """Seconds of CPU that its process has spent on this connection."""
        backend = Path(f"/proc/{self._connection.info.backend_pid}/schedstat")
        return int(backend.read_text(encoding="ascii").split()[0]) / 1e9

    def ask(self, text: str) -> list[int]:
        rows = self._connection.execute(self.statement, {"text": folded(text), "most": DEPTH})
        return [row[0] for row in rows]


class PostgreSQLByFacts(PostgreSQL):
    """People and keywords too: as words, of less weight than those of titles, and people by their trigrams."""

    statement = ASK_BY_FACTS

    def __init__(self, connection: psycopg.Connection, films: Sequence[Film]) -> None:
        self._connection = connection
        connection.execute(TABLES_OF_FACTS)
        with connection.cursor().copy(
            "COPY told (id, title, original, year, people, keywords, votes) FROM STDIN"
        ) as copy:
            copy.set_types(["int8", "text", "text", "text", "text", "text", "int4"])
            for film in films:
                copy.write_row((film.tmdb_id, *(folded(text(film)) for text in FACTS.values()), film.votes))
        connection.execute(INDEXES_OF_FACTS)
        connection.execute(f"SET pg_trgm.similarity_threshold = {NEAR}")


def installed() -> Path | None:
    """The newest server that has the module: the folder of its programs."""
    servers = sorted(SERVERS.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]), reverse=True)
    complete = [path for path in servers if (MODULES / path.parts[-3] / "extension/pg_trgm.control").exists()]
    return complete[0].parent if complete else None


def version() -> str | None:
    programs = installed()
    if programs is None:
        return None
    return subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextmanager
def server(programs: Path) -> Iterator[psycopg.Connection]:
    """As it comes, but for its folder and its socket there; its own connection, which commits each statement."""
    folder = Path(tempfile.mkdtemp(prefix="matinee-search-pg-"))
    user = NOT_ROOT if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data, started = folder / "data", None
    try:
        initialised = [str(programs / "initdb"), "-D", str(data), "-U", "bench", "-A", "trust", "-E", "UTF8"]
        subprocess.run(initialised, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        running = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
        options = f"-k {folder} -c listen_addresses=''"
        subprocess.run([*running, "-o", options, "start"], check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        started = [*running, "-m", "immediate", "stop"]
        with psycopg.connect(host=str(folder), user="bench", dbname="postgres", autocommit=True) as connection:
            yield connection
    finally:
        if started:
            subprocess.run(started, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)
