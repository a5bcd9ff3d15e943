"""What a statement of SQLite that failed leaves behind is freed by any thread, and no process dies of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="What it guards against is in pysqlite3.")


def test_a_process_outlives_connections_that_are_closed_while_garbage_is_collected(tmp_path: Path) -> None:
    program = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.core.failing_statements"],
        env={**os.environ, "MATINEE_DATA_DIR": str(tmp_path), "MALLOC_PERTURB_": "165"},  # glibc fills what is freed
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert (program.returncode, program.stderr) == (0, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fail",
    [
        lambda cursor: cursor.execute("SELECT nothing FROM nowhere"),
        lambda cursor: cursor.executemany("INSERT INTO nowhere VALUES (%s)", [(1,)]),
        lambda cursor: cursor.execute("SELECT %s", [2**63]),
    ],
)
def test_a_cursor_whose_statement_failed_is_closed_and_the_next_one_is_well(
    fail: Callable[[CursorWrapper], object],
) -> None:
    cursor = connection.cursor()

    with pytest.raises((DatabaseError, OverflowError)), transaction.atomic():
        fail(cursor)

    with pytest.raises(ProgrammingError, match="closed cursor"):
        cursor.execute("SELECT 1")
    with connection.cursor() as another:
        assert another.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_on_a_closed_connection_the_error_tells_of_that() -> None:
    cursor = connection.cursor()
    connection.close()

    with pytest.raises(ProgrammingError, match="closed database"):
        cursor.execute("SELECT 1")
