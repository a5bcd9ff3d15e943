"""Migrations beside a service: one run at a time, none that keeps people waiting, and nothing is lost on the way."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as DjangosMigrate
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.catalog.models import Movie
from matinee.operations.management.commands import migrate
from tests.accounts.conftest import NOW
from tests.at_once import at_once
from tests.operations.processes import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("back_to_the_newest_migration")]
only_postgresql = pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="SQLite has one writer, and no service beside.")
FIRST = [("accounts", "0001_initial"), ("catalog", "0001_initial"), ("library", "0001_initial")]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_WITHIN", "20ms")
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.02)


def write_ratings(writer: BaseDatabaseWrapper) -> None:
    with writer.cursor() as cursor:
        cursor.execute("UPDATE library_movierating SET rating = 3")


@contextmanager
def somebody_writes_ratings_for_long() -> Iterator[None]:
    writer = connection.copy()
    writer.set_autocommit(False)
    write_ratings(writer)
    try:
        yield
    finally:
        writer.close()


def counted(function: Callable[..., Any], calls: list[int]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return function(*args, **kwargs)

    return call


def waiting_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@only_postgresql
def test_two_that_start_at_the_same_moment_apply_each_migration_once() -> None:
    call_command("migrate", "library", "0001", verbosity=0)

    ended = at_once(*[lambda: call_command("migrate", verbosity=0, stdout=StringIO())] * 2)

    assert ended == [None, None]
    assert waiting_migrations() == 0


@only_postgresql
def test_one_that_can_not_have_its_lock_lets_others_pass_and_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("migrate", "library", "0001", verbosity=0)
    tries: list[int] = []
    monkeypatch.setattr(DjangosMigrate, "handle", counted(DjangosMigrate.handle, tries))
    migrating = threading.Thread(target=at_once, args=(lambda: call_command("migrate", verbosity=0),))

    with somebody_writes_ratings_for_long():
        migrating.start()
        assert eventually(lambda: len(tries) >= 3)
        write_ratings(connection)
    migrating.join()

    assert waiting_migrations() == 0


@pytest.fixture
def _an_index_is_added(settings: Settings) -> Iterator[None]:
    """By a migration that is not atomic, of an app without models."""
    settings.MIGRATION_MODULES = {"messages": "tests.operations.concurrent_index"}
    yield
    call_command("migrate", "messages", "zero", verbosity=0)


def is_asked(beginning: str) -> bool:
    """Whether another connection was asked such a statement last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE %s)",
            [f"{beginning}%"],
        )
        return bool(cursor.fetchone()[0])


def index_is_valid() -> bool | None:
    """None while there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ratings_by_stars')")
        row = cursor.fetchone()
    return None if row is None else bool(row[0])


@only_postgresql
@pytest.mark.usefixtures("_an_index_is_added")
def test_an_index_is_made_while_somebody_writes_for_longer_than_others_may_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[int] = []
    monkeypatch.setattr(DjangosMigrate, "handle", counted(DjangosMigrate.handle, tries))
    migrating = threading.Thread(target=at_once, args=(lambda: call_command("migrate", verbosity=0),))

    with somebody_writes_ratings_for_long():
        migrating.start()
        assert eventually(lambda: is_asked("CREATE INDEX CONCURRENTLY"))
        migrating.join(timeout=0.2)
    migrating.join()

    assert (len(tries), index_is_valid(), waiting_migrations()) == (1, True, 0)


@only_postgresql
@pytest.mark.usefixtures("_an_index_is_added")
def test_an_index_that_was_broken_off_is_made_by_the_next_run() -> None:
    migrating = threading.Thread(target=at_once, args=(lambda: call_command("migrate", verbosity=0),))
    with somebody_writes_ratings_for_long():
        migrating.start()
        assert eventually(lambda: index_is_valid() is False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX C%'")
        migrating.join()
    broken_off = index_is_valid()

    call_command("migrate", verbosity=0)

    assert (broken_off, index_is_valid()) == (False, True)


@only_postgresql
def test_one_that_waits_for_another_run_is_not_waited_for_by_its_index() -> None:
    ended: list[str | Exception] = []
    waiting = threading.Thread(target=lambda: ended.extend(at_once(lambda: call_command("migrate", verbosity=0))))
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [migrate.ONE_AT_A_TIME])
        cursor.execute("CREATE INDEX ratings_by_stars ON library_movierating (rating)")
        waiting.start()
        assert eventually(lambda: is_asked("SELECT pg_%advisory_lock("))

        cursor.execute("REINDEX INDEX CONCURRENTLY ratings_by_stars")

        cursor.execute("DROP INDEX ratings_by_stars")
    waiting.join()
    assert ended == [None]


@only_postgresql
def test_one_that_never_gets_its_lock_says_what_to_do_and_leaves_the_schema_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrate, "TRIES", 3)
    call_command("migrate", "library", "0001", verbosity=0)
    waiting = waiting_migrations()

    with somebody_writes_ratings_for_long(), pytest.raises(CommandError, match="holds the table for long"):
        call_command("migrate", "library", "0002", verbosity=0)

    assert waiting_migrations() == waiting > 0
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",), "it is the migration's alone"


def test_what_was_written_under_the_first_schema_is_there_under_the_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(FIRST)
    old = executor.loader.project_state(FIRST).apps
    alice = old.get_model("accounts", "User").objects.create(
        email="alice@example.org", email_key="alice@example.org", username="alice", username_key="alice",
        date_joined=NOW,
    )  # fmt: skip
    old.get_model("accounts", "UserProfile").objects.create(
        user=alice, bio="likes westerns", birth_date=dt.date(1944, 6, 17), created_at=NOW, updated_at=NOW
    )
    heat = old.get_model("catalog", "Movie").objects.create(
        tmdb_id=949, title="Heat", keywords=["heist"], directors=["Michael Mann"], created_at=NOW, updated_at=NOW
    )
    old.get_model("library", "Favorite").objects.create(user_id=alice.pk, movie_id=heat.pk, created_at=NOW)
    old.get_model("library", "MovieRating").objects.create(
        user_id=alice.pk, movie_id=heat.pk, rating=5, review="The diner.", created_at=NOW, updated_at=NOW
    )

    call_command("migrate", verbosity=0)

    her = User.objects.get(email="alice@example.org")
    assert (her.profile.bio, her.profile.birth_date) == ("likes westerns", dt.date(1944, 6, 17))
    assert [favorite.movie.title for favorite in her.favorites.all()] == ["Heat"]
    assert [(rating.rating, rating.review) for rating in her.ratings.all()] == [(5, "The diner.")]
    assert Movie.objects.get(tmdb_id=949).keywords == ["heist"]
