"""A statement that is written out goes to the driver, and nothing that Django looks after is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.backends.signals import connection_created
from django.db.transaction import TransactionManagementError
from pytest_django import DjangoAssertNumQueries

from matinee.catalog.models import Genre
from matinee.core.statements import fetched

pytestmark = pytest.mark.django_db

ADD = "INSERT INTO catalog_genre (id, name) VALUES (%s, %s)"


def test_all_rows_come_as_tuples_and_none_where_a_statement_gives_none() -> None:
    assert fetched(ADD, [90_001, "Noir"]) == []
    assert fetched("SELECT id, name FROM catalog_genre WHERE id >= %s", [90_000]) == [(90_001, "Noir")]
    assert fetched("SELECT name FROM catalog_genre WHERE id = %s", [90_002]) == []


def test_a_percent_sign_is_written_twice() -> None:
    Genre.objects.create(id=90_001, name="Noir")

    assert fetched("SELECT name FROM catalog_genre WHERE name LIKE 'No%%' AND id = %s", [90_001]) == [("Noir",)]


def test_who_watches_statements_sees_it(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    seen: list[str] = []

    def watch(execute: Callable[..., Any], statement: str, *arguments: Any) -> Any:
        seen.append(statement)
        return execute(statement, *arguments)

    with django_assert_num_queries(1):
        assert fetched("SELECT %s + 0", [1]) == [(1,)]
    with connection.execute_wrapper(watch):
        assert fetched(ADD, [90_001, "Noir"]) == []

    assert seen == [ADD]


@pytest.mark.django_db(transaction=True)
def test_who_begins_to_watch_as_a_connection_is_opened_sees_its_first_statement() -> None:
    seen: list[str] = []

    def watch(execute: Callable[..., Any], statement: str, *arguments: Any) -> Any:
        seen.append(statement)
        return execute(statement, *arguments)

    def begin(**_named: Any) -> None:
        connection.execute_wrappers.append(watch)

    connection.close()
    connection_created.connect(begin)
    try:
        fetched(ADD, [90_001, "Noir"])
    finally:
        connection_created.disconnect(begin)
        connection.execute_wrappers.remove(watch)

    assert seen == [ADD]


def test_what_fails_is_told_by_an_exception_of_djangos_and_breaks_the_transaction() -> None:
    Genre.objects.create(id=90_001, name="Noir")

    with pytest.raises(IntegrityError), transaction.atomic():
        fetched(ADD, [90_001, "Noir"])
    with pytest.raises(DatabaseError), transaction.atomic():
        fetched("SELECT nothing FROM nowhere", [])
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            fetched("SELECT 1", [])

    assert fetched("SELECT COUNT(*) FROM catalog_genre WHERE id = %s", [90_001]) == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_it_is_part_of_the_transaction_around_it() -> None:
    with transaction.atomic():
        fetched(ADD, [90_001, "Noir"])
        transaction.set_rollback(True)
    fetched(ADD, [90_002, "Giallo"])
    connection.close()

    assert fetched("SELECT name FROM catalog_genre WHERE id > %s", [90_000]) == [("Giallo",)]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL alone")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_ended_is_replaced_before_the_next_request() -> None:
    [(pid,)] = fetched("SELECT pg_backend_pid() WHERE %s = 1", [1])
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    with pytest.raises(OperationalError):
        fetched("SELECT pg_backend_pid() WHERE %s = 1", [1])
    connection.close_if_unusable_or_obsolete()  # as Django does before each request

    assert fetched("SELECT pg_backend_pid() WHERE %s = 1", [1]) != [(pid,)]
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()
    connection.close_if_unusable_or_obsolete()
    assert len(fetched("SELECT pg_backend_pid() WHERE %s = 1", [1])) == 1
