"""Migrations of tables with many rows while somebody writes to each of them: in `make soak` a million rows a table, and
nobody waits longer than a second. On SQLite the program that migrates is the only one there is."""

from __future__ import annotations

import logging
import random
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from tests.operations.processes import eventually
from tests.operations.test_migrations import FIRST, waiting_migrations
from tests.rounds import TIMES

logger = logging.getLogger(__name__)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("back_to_the_newest_migration"),
    pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="SQLite has one writer, and no service beside."),
]
ROWS = 1_000 if TIMES == 1 else 1_000_000
LONGEST_WAIT = 1.0
"""Seconds."""
BEFORE_THE_FIRST_RELEASE = frozenset(
    {"accounts.0003_audit_key", "accounts.0008_person_state", "catalog.0004_cards", "library.0002_trending"}
)
"""Those that lock a large table for longer, as docs/operations.md tells. Nothing is added here."""
FILL = {
    "accounts_user": (
        """id, password, is_superuser, email, email_key, username, username_key, first_name, last_name,
        is_active, is_staff, date_joined""",
        "n, '', false, n || '@example.org', n || '@example.org', 'user' || n, 'user' || n, '', '', true, false, now()",
    ),
    "accounts_userprofile": (
        "id, user_id, bio, birth_date, favorite_genres, notification_preferences, created_at, updated_at",
        "n, n, CASE WHEN n % 100 = 0 THEN 'likes westerns' ELSE '' END, NULL, '[]', '{}', now(), now()",
    ),
    "accounts_session": ("id, user_id, created_at, last_used_at, expires_at", "n, n, now(), now(), now()"),
    "accounts_refreshtoken": ("id, session_id, digest", "n, n, sha256(n::text::bytea)"),
    "catalog_movie": (
        """id, tmdb_id, title, media_type, genre_ids, production_companies, production_countries, spoken_languages,
        keywords, directors, "cast", created_at, updated_at""",
        "n, n, 'Film ' || n, 'movie', '[]', '[]', '[]', '[]', '[]', '[]', '[]', now(), now()",
    ),
    "catalog_moviechange": ("consumer, tmdb_id", "'columns', n"),
    "library_favorite": ("id, user_id, movie_id, created_at", "n, n, n, now()"),
    "library_watchlist": ("id, user_id, movie_id, created_at", "n, n, n, now()"),
    "library_dismissal": ("id, user_id, movie_id, created_at", "n, n, n, now()"),
    "library_movierating": (
        "id, user_id, movie_id, rating, review, review_private, review_hidden, created_at, updated_at",
        "n, n, n, 5, '', false, false, now(), now()",
    ),
}
"""Table → its columns under the first schema, and what row n has in them."""
WRITE = {
    "accounts_user": "UPDATE accounts_user SET first_name = 'Alice' WHERE id = %s",
    "accounts_userprofile": "UPDATE accounts_userprofile SET favorite_genres = '[18]' WHERE id = %s",
    "accounts_session": "UPDATE accounts_session SET last_used_at = now() WHERE id = %s",
    "accounts_refreshtoken": "UPDATE accounts_refreshtoken SET spent_at = now() WHERE id = %s",
    "catalog_movie": "UPDATE catalog_movie SET vote_count = 7 WHERE id = %s",
    "catalog_moviechange": "INSERT INTO catalog_moviechange (consumer, tmdb_id) VALUES ('columns', %s)",
    "library_favorite": "UPDATE library_favorite SET created_at = now() WHERE id = %s",
    "library_watchlist": "UPDATE library_watchlist SET created_at = now() WHERE id = %s",
    "library_dismissal": "UPDATE library_dismissal SET created_at = now() WHERE id = %s",
    "library_movierating": "UPDATE library_movierating SET rating = 3, updated_at = now() WHERE id = %s",
}
"""As every program since the first schema does it."""


def fill() -> None:
    with connection.cursor() as cursor:
        for table, (columns, row) in FILL.items():
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {row} FROM generate_series(1, {ROWS}) AS n")
        cursor.execute("ANALYZE")


@dataclass
class Writer:
    """Somebody who writes to a table again and again: when each write began (by the clock) and what it took."""

    table: str
    waits: list[tuple[float, float]] = field(default_factory=list)

    def write(self, stop: threading.Event) -> None:
        lots = random.Random(self.table)
        with closing(connection.copy()) as mine, mine.cursor() as cursor:
            while not stop.wait(0.01):
                began = time.time()
                cursor.execute(WRITE[self.table], [lots.randint(1, ROWS)])
                self.waits.append((began, time.time() - began))


@contextmanager
def writers() -> Iterator[list[Writer]]:
    """One at each table, all of whom have written already."""
    stop, everybody = threading.Event(), [Writer(table) for table in WRITE]
    threads = [threading.Thread(target=writer.write, args=(stop,)) for writer in everybody]
    for thread in threads:
        thread.start()
    try:
        assert eventually(lambda: all(writer.waits for writer in everybody))
        yield everybody
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def longest_waits(everybody: list[Writer]) -> dict[str, float]:
    """By migration, those that began while it was applied. Seconds."""
    applied = [*MigrationRecorder(connection).migration_qs.order_by("applied")]
    ended_at, names = [row.applied.timestamp() for row in applied], [f"{row.app}.{row.name}" for row in applied]
    longest = dict.fromkeys(names, 0.0)
    for began, took in chain.from_iterable(writer.waits for writer in everybody):
        if began < ended_at[-1]:
            name = names[bisect_right(ended_at, began)]
            longest[name] = max(longest[name], took)
    return longest


def test_nobody_who_writes_to_a_large_table_waits_for_long_while_it_is_migrated() -> None:
    MigrationExecutor(connection).migrate(FIRST)
    fill()

    with writers() as everybody:
        before = {writer.table: len(writer.waits) for writer in everybody}
        call_command("migrate", verbosity=0)
        assert eventually(lambda: all(len(writer.waits) > before[writer.table] for writer in everybody))
    waits = longest_waits(everybody)

    logger.info("Longest waits: %s", {name: round(seconds, 2) for name, seconds in waits.items() if seconds > 0.1})
    assert not waiting_migrations()
    if TIMES > 1:
        assert {name for name, seconds in waits.items() if seconds > LONGEST_WAIT} <= BEFORE_THE_FIRST_RELEASE
