"""An instance that has outgrown SQLite: its backup goes into PostgreSQL, whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, models
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from matinee.accounts import letters
from matinee.accounts.erasure import erase
from matinee.accounts.models import Letter, PersonState, User
from matinee.accounts.services import create_user, update_profile
from matinee.accounts.sessions import sign_in
from matinee.audit.models import Event
from matinee.audit.sealing import seal
from matinee.audit.verifying import verify
from matinee.catalog.facts import differences, store_facts
from matinee.catalog.models import Movie, MovieChange
from matinee.catalog.starter import starter_facts
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from matinee.library.services import add, rate_movie, remove
from matinee.operations.backups import moving, services
from matinee.operations.backups.engines import STAGED
from matinee.operations.backups.refusals import BadArchive, WouldOverwrite
from tests.operations.backups.conftest import NOW
from tests.operations.backups.every_table import Rows, every_model, every_row, fill_the_rest
from tests.operations.backups.test_on_postgresql import planned_rows
from tests.operations.processes import eventually

PASSWORD = "correct horse battery staple"
REVIEW = "Ciné 🎬, 映画, \U0001f468\u200d\U0001f680 — \\N \\. \t\n done"
LEFT_BEHIND = {"sessions.Session", "accounts.Export"}
"""What no restore brings back."""

pytestmark = pytest.mark.skipif(
    os.environ.get("MATINEE_TEST_DATABASE") != "postgresql", reason="It goes from SQLite to PostgreSQL."
)


@contextmanager
def on_sqlite(file: Path) -> Iterator[None]:
    """The instance keeps its data there meanwhile."""
    live, known = connections["default"], connections.databases["default"]
    of_sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": {}}
    connections.databases["default"] = {**known, **of_sqlite}
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"], connections.databases["default"] = live, known


@pytest.fixture(scope="module")
def outgrown(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The file of an instance on SQLite in which people have been at work."""
    folder = tmp_path_factory.mktemp("outgrown")
    file = folder / "matinee.sqlite3"
    with django_db_blocker.unblock(), override_settings(DATA_DIR=folder), on_sqlite(file):
        call_command("migrate", verbosity=0)
        people_at_work()
        fill_the_rest()
    return file


@pytest.fixture
def without_tables(empty_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The live database is a new one."""
    name = f"new_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    with monkeypatch.context() as named:
        named.setitem(connection.settings_dict, "NAME", name)
        yield
        connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def people_at_work() -> None:
    store_facts(starter_facts()[:4], choose=differences, now=NOW)
    films = Movie.objects.order_by("pk").values_list("pk", flat=True)
    alice, bob, carol = (
        create_user(email=f"{name}@example.org", username=name, password=PASSWORD, now=NOW)
        for name in ("alice", "bob", "carol")
    )
    update_profile(user=alice, changes={"bio": REVIEW, "birth_date": NOW.date()}, now=NOW)
    rate_movie(user=alice, movie_pk=films[0], stars=5, review=REVIEW, private=True, now=NOW)
    rate_movie(user=bob, movie_pk=films[0], stars=1, review="", private=False, now=NOW)
    for kind in (Favorite, Watchlist, Dismissal):
        add(kind, user=alice, movie_pk=films[1], now=NOW)
    erase(carol, by=None, now=NOW)
    seal(now=NOW)
    sign_in(username="alice", password=PASSWORD, now=NOW)
    letters.post(Letter.Kind.PASSWORD_CHANGED, email=alice.email, user=alice, now=NOW)
    SessionStore().save()
    remove(MovieRating, user=bob, tmdb_id=Movie.objects.get(pk=films[0]).tmdb_id, now=NOW)  # its id was the newest


def backed_up(file: Path, folder: Path) -> Path:
    with on_sqlite(file):
        return services.backup(folder=folder, now=NOW).path


def test_it_arrives_whole_and_goes_on_as_before(
    outgrown: Path, without_tables: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = backed_up(outgrown, folder)
    held = what_is_made_ready(monkeypatch)

    assert ended(lambda: restore(archive, on_progress=die_while_it_moves)) == -signal.SIGKILL
    assert not connection.introspection.table_names()
    assert eventually(nobody_restores, within=60)
    restore(archive)

    accepted = Event.objects.latest("id")
    arrived = every_row("default")
    arrived["audit.Event"] = [row for row in arrived["audit.Event"] if row[0] != accepted.pk]
    assert accepted.action == "restore_accepted"
    for label, rows in held.items():
        assert arrived[label] == rows, label
    assert {label for label, rows in held.items() if not rows} == LEFT_BEHIND
    assert verify().events > 0
    alice, _ = sign_in(username="alice", password=PASSWORD, now=timezone.now())
    assert alice.profile.bio == REVIEW
    assert alice.profile.birth_date == NOW.date()
    assert_ids_go_on()
    assert_triggers_are_on(alice)
    assert_foreign_keys_hold()
    assert planned_rows("audit_event") == len(held["audit.Event"])
    with pytest.raises(WouldOverwrite, match="--replace"):
        restore(archive)


def assert_ids_go_on() -> None:
    """After those that are there, and of ratings after the one that is gone."""
    for model in every_model():
        key = model._meta.pk
        if isinstance(key, models.AutoField):
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [model._meta.db_table, key.column])
                (given,) = cursor.fetchone()
            assert given > (model._base_manager.aggregate(newest=models.Max("pk"))["newest"] or 0), model
    film = Movie.objects.latest("pk")
    rating = MovieRating.objects.create(user=User.objects.get(username="bob"), movie=film, rating=1, **made_now())
    assert rating.pk > 2


def made_now() -> dict[str, Any]:
    return {"created_at": NOW, "updated_at": NOW}


def assert_triggers_are_on(alice: User) -> None:
    film, before = Movie.objects.latest("pk"), PersonState.objects.get(user=alice).version
    changes = MovieChange.objects.count()
    add(Watchlist, user=alice, movie_pk=film.pk, now=NOW)
    Movie.objects.filter(pk=film.pk).update(title="Renamed")
    assert PersonState.objects.get(user=alice).version != before
    assert MovieChange.objects.count() > changes
    with pytest.raises(DatabaseError, match="only added to"):
        Event.objects.exclude(segment=None).update(target="forged")


def assert_foreign_keys_hold() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), bool_and(convalidated) FROM pg_constraint WHERE contype = 'f'")
        keys = sum(field.is_relation for model in every_model() for field in model._meta.concrete_fields)
        assert cursor.fetchone() == (keys, True)
    with pytest.raises(DatabaseError):
        LogEntry.objects.create(user_id=10_000, object_repr="", action_flag=1)


SPOILT: dict[str, tuple[str, str]] = {
    "NUL": ("UPDATE library_movierating SET review = 'a' || char(0) || 'b'", "library_movierating with id 1: .*NUL"),
    "too long": (
        "UPDATE catalog_keyword SET name = printf('%201d', 1) WHERE id = (SELECT MAX(id) FROM catalog_keyword)",
        r"catalog_keyword with id \d+: name: value too long",
    ),
    "half a pair": (
        """UPDATE accounts_userprofile SET favorite_genres = '["\\ud800"]' WHERE id = 2""",
        "accounts_userprofile with id 2: favorite_genres: ",
    ),
    "no UTF-8": ("UPDATE catalog_genre SET name = CAST(x'ff' AS TEXT)", "catalog_genre can't be read"),
    "a table of others": ("CREATE TABLE theirs AS SELECT 1", "makes no theirs in PostgreSQL"),
}


@pytest.mark.parametrize(("statement", "says"), SPOILT.values(), ids=SPOILT)
def test_what_postgresql_does_not_take_is_named_and_nothing_of_it_stays(
    outgrown: Path, empty_database: None, tmp_path: Path, statement: str, says: str
) -> None:
    spoilt = spoil(outgrown, tmp_path, statement)
    before = every_row("default")

    with pytest.raises(BadArchive, match=says):
        moving._fill(connection.settings_dict["NAME"], spoilt, lambda *_: None)

    assert every_row("default") == before


def test_a_backup_that_can_not_move_changes_nothing(
    outgrown: Path, empty_database: None, folder: Path, tmp_path: Path
) -> None:
    archive = backed_up(spoil(outgrown, tmp_path, SPOILT["NUL"][0]), folder)

    with pytest.raises(BadArchive, match=SPOILT["NUL"][1]):
        restore(archive)

    assert not User.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, current_database() || '_')")
        assert cursor.fetchall() == []


def spoil(outgrown: Path, folder: Path, statement: str) -> Path:
    spoilt = Path(shutil.copy(outgrown, folder / "spoilt.sqlite3"))
    with closing(sqlite3.connect(spoilt)) as file:
        file.execute("BEGIN")
        file.execute(statement)
        file.commit()
    return spoilt


def restore(archive: Path, on_progress: Callable[[str, int, int | None], None] = lambda *_: None) -> None:
    services.restore(file=archive, now=NOW, on_progress=on_progress)


def ended(work: Callable[[], None]) -> int | None:
    """How a process ended that did it."""
    connections.close_all()  # a connection can't be shared with a fork
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    return process.exitcode


def nobody_restores() -> bool:
    """False while PostgreSQL has not noticed yet that somebody who was at it has been killed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        return bool(cursor.fetchone()[0] == 0)


def die_while_it_moves(stage: str, *_: object) -> None:
    if stage.startswith("Moving"):
        os.kill(os.getpid(), signal.SIGKILL)


def what_is_made_ready(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """All rows of the backup as they are on SQLite, right before they move; filled by the restore."""
    rows: Rows = {}
    make_ready = services._make_ready

    def and_look(*arguments: Any, **named: Any) -> None:
        make_ready(*arguments, **named)
        rows.update(every_row(STAGED))

    monkeypatch.setattr(services, "_make_ready", and_look)
    return rows
