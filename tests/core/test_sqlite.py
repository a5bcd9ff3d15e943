"""A transaction on SQLite waits for the one before it, and has its turn as soon as that has ended."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from matinee.core.sqlite import base
from tests.at_once import at_once

pytestmark = [
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite alone"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def writer(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """A connection beside the test's own, which holds the lock that writers need."""
    connection.ensure_connection()
    made = connections.create_connection(DEFAULT_DB_ALIAS)
    made.cursor().execute("BEGIN IMMEDIATE")
    yield made
    made.close()


def looks_of(monkeypatch: pytest.MonkeyPatch, *, then: dict[int, Callable[[], None]]) -> list[float]:
    """What a transaction that begins waits each time; after so many times something happens."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if happens := then.get(len(waits)):
            happens()

    monkeypatch.setattr(time, "sleep", sleep)
    return waits


def end(writer: BaseDatabaseWrapper) -> None:
    writer.cursor().execute("ROLLBACK")


def busy_timeout() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        return int(cursor.fetchone()[0])


def test_a_transaction_looks_again_and_again_until_the_one_before_it_has_ended(
    writer: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = looks_of(monkeypatch, then={30: lambda: end(writer)})

    with transaction.atomic():
        within = busy_timeout()

    assert waits == [base.LOOKS_AGAIN_AFTER_SECONDS] * 30
    assert (within, busy_timeout()) == (20_000, 20_000)


def test_after_as_long_as_is_set_it_gives_up_and_the_next_one_is_well(
    writer: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        changed.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
        with pytest.raises(OperationalError, match="database is locked"), transaction.atomic():
            pytest.fail("while another transaction writes")
        assert busy_timeout() == 50
    end(writer)

    with transaction.atomic():
        pass
    assert busy_timeout() == 20_000


def test_what_fails_for_another_reason_is_not_tried_again(
    writer: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(writer)
    waits = looks_of(monkeypatch, then={})

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        with pytest.raises(OperationalError, match="within a transaction"), transaction.atomic():
            pytest.fail("in a transaction that Django knows nothing of")
        cursor.execute("ROLLBACK")

    assert not waits


def test_a_transaction_that_could_not_begin_leaves_no_open_cursor_to_whoever_collects_garbage() -> None:
    gc.collect()
    gc.disable()
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            with pytest.raises(OperationalError, match="within a transaction"), transaction.atomic():
                pytest.fail("in a transaction that Django knows nothing of")
            cursor.execute("ROLLBACK")
        left = [thing for thing in gc.get_objects() if isinstance(thing, SQLiteCursorWrapper)]
        assert left
        for cursor_left in left:
            with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                cursor_left.execute("SELECT 1")
    finally:
        gc.enable()


def test_a_process_outlives_connections_that_are_closed_while_garbage_is_collected(tmp_path: Path) -> None:
    program = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.core.failing_begins"],
        env={**os.environ, "MATINEE_DATA_DIR": str(tmp_path), "MALLOC_PERTURB_": "165"},  # glibc fills what is freed
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert (program.returncode, program.stderr) == (0, "")


def test_no_addition_of_many_that_come_at_once_is_lost(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tally (number INTEGER)")
        cursor.execute("INSERT INTO tally VALUES (0)")

    def add() -> None:
        for _ in range(25):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT number FROM tally")
                cursor.execute("UPDATE tally SET number = %s", [cursor.fetchone()[0] + 1])

    assert at_once(*[add] * 4) == [None] * 4

    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM tally")
        assert cursor.fetchone() == (100,)
        cursor.execute("DROP TABLE tally")
