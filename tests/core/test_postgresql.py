"""A connection to PostgreSQL is looked at without asking the server; one that is gone is known before it is used."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL alone"),
    pytest.mark.django_db,
]


@pytest.fixture
def another(db: None) -> Iterator[BaseDatabaseWrapper]:
    """A connection beside the test's own."""
    made = connections.create_connection(DEFAULT_DB_ALIAS)
    made.ensure_connection()
    yield made
    made.close()


def asked_last(of: BaseDatabaseWrapper) -> str:
    """The statement that the server was asked last over this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [of.connection.info.backend_pid])
        return str(cursor.fetchone()[0])


def end(of: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [of.connection.info.backend_pid])


def test_a_connection_that_is_well_is_used_without_a_statement(another: BaseDatabaseWrapper) -> None:
    with another.cursor() as cursor:
        cursor.execute("SELECT 603")

    assert another.is_usable()
    assert "603" in asked_last(another)


def test_one_that_the_server_has_ended_is_replaced_before_the_next_request(another: BaseDatabaseWrapper) -> None:
    end(another)

    another.close_if_unusable_or_obsolete()
    with another.cursor() as cursor:
        cursor.execute("SELECT 603")

        assert cursor.fetchone() == (603,)


def test_after_a_failure_the_server_is_asked(another: BaseDatabaseWrapper) -> None:
    end(another)
    with pytest.raises(OperationalError):
        another.cursor().execute("SELECT 603")

    assert not another.is_usable()
    another.close_if_unusable_or_obsolete()
    assert another.is_usable() is False
    another.ensure_connection()
    assert another.is_usable()


def test_one_that_was_told_something_is_asked_and_is_well(another: BaseDatabaseWrapper) -> None:
    with another.cursor() as cursor:
        cursor.execute("LISTEN films")
    teller = connections.create_connection(DEFAULT_DB_ALIAS)
    with teller.cursor() as cursor:
        cursor.execute("NOTIFY films")
    teller.close()
    assert select.select([another.connection.fileno()], [], [], 20)[0], "it comes when the server is idle"

    assert another.is_usable()
    assert asked_last(another) == "SELECT 1"
