"""Who is erased is gone: from every table and file, and from a backup that is restored."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sqlite3
import threading
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from matinee.accounts import erasure, export_files, exports, letters, privacy
from matinee.accounts.erasure import erase, erase_account, erase_again
from matinee.accounts.erasure_tasks import LogInUse, empty_write_ahead_log
from matinee.accounts.models import Erasure, Export, Guesses, Letter, User
from matinee.accounts.privacy import Erased, owned
from matinee.accounts.recovery import WrongPassword
from matinee.accounts.services import create_user, update_profile
from matinee.accounts.sessions import open_session
from matinee.api.models import KeptAnswer
from matinee.audit.models import Event
from matinee.catalog.models import Movie
from matinee.core.jobs.worker import Worker
from matinee.library import services
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from tests.accounts.conftest import NOW, PASSWORD, is_good
from tests.at_once import at_once

CANARY = f"canary-{secrets.token_hex(4)}"  # of this process alone, since one server holds the databases of them all
OPERATIONS_PAGE = Path(__file__).parents[2] / "docs" / "operations.md"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("_a_disk_of_its_own")]


@pytest.fixture
def full(alice: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """alice, of whom there is a row in every table that can hold one."""
    monkeypatch.setattr(exports, "MADE_AT_ONCE", 0)
    film = Movie.objects.create(tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)
    update_profile(user=alice, changes={"bio": CANARY, "first_name": CANARY}, now=NOW)
    open_session(user=alice, now=NOW)
    letters.post(Letter.Kind.RESET, email=alice.email, user=alice, now=NOW)
    letters.post(Letter.Kind.REGISTRATION, email=alice.email, user=None, now=NOW)
    KeptAnswer.objects.create(user=alice, key="k", claimed_at=NOW, body=CANARY.encode())
    Guesses.objects.create(subject=f"user {alice.pk}", user=alice, newest_at=NOW)
    for kind in (Favorite, Watchlist, Dismissal):
        services.add(kind, user=alice, movie_pk=film.pk, now=NOW)
    services.rate_movie(user=alice, movie_pk=film.pk, stars=4, review=CANARY, private=None, now=NOW)
    made = exports.ask(user=alice, now=NOW)
    assert isinstance(made, Export)
    export_files.make(export_id=made.pk, now=NOW)
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.refresh_from_db()
    LogEntry.objects.log_actions(user_id=alice.pk, queryset=[alice], action_flag=2, change_message=CANARY)
    cookie = SessionStore()
    cookie["_auth_user_id"] = str(alice.pk)
    cookie["note"] = CANARY
    cookie.save()
    alice.groups.create(name="a group of nobody's name")
    alice.user_permissions.add(Permission.objects.order_by("pk")[0])
    return alice


def plant_canaries(person: User) -> None:
    """In every column of text or JSON of every row of theirs."""
    everything: list[tuple[type[models.Model], str]] = [(User, "pk"), *owned()]
    for model, path in everything:
        rows = model._base_manager.filter(**{path: person.pk})
        assert rows.exists(), f"Give alice a row in {model._meta.label}."
        for number, field in enumerate(model._meta.concrete_fields):
            value = f"{CANARY}-{number}"[: field.max_length or 100]
            if field.name in {"audit_key", "master_key_id"}:
                continue
            if field.get_internal_type() in {"CharField", "TextField", "EmailField"}:
                rows.update(**{field.name: value})
            if field.get_internal_type() == "JSONField":
                rows.update(**{field.name: [value]})


def found_in_the_files(canary: str, folder: Path) -> list[str]:
    """In the data directory, and in what SQLite keeps."""
    database = Path(str(connection.settings_dict["NAME"]))
    paths = [*folder.rglob("*"), *database.parent.glob(f"{database.name}*")]
    return sorted(path.name for path in paths if path.is_file() and canary.encode() in path.read_bytes())


def found_below(folder: Path) -> set[Path]:
    found = set()
    for path in (Path(place, name) for place, _, names in os.walk(folder) for name in names):
        with suppress(FileNotFoundError):  # the server removes files and folders of its own as it goes
            found |= {path} if path.is_file() and CANARY.encode() in path.read_bytes() else set()
    return found


def found_in_the_tables() -> set[str]:
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                if any(
                    CANARY in (bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v)) for v in row
                ):
                    found.add(table)
    return found


def checkpoint() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM" if connection.vendor == "sqlite" else "VACUUM FULL")
    if connection.vendor == "sqlite":
        checkpoint()


def test_not_a_trace_is_left_in_any_table_or_file(full: User, tmp_path: Path) -> None:
    plant_canaries(full)
    before = found_in_the_tables()

    erase(full, by=full.audit_key, now=NOW)
    vacuum()

    assert {"accounts_user", "accounts_session", "library_movierating", "django_admin_log"} <= before
    assert found_in_the_tables() == set()
    assert found_in_the_files(CANARY, tmp_path) == []
    assert not any(model._base_manager.filter(**{path: full.pk}).exists() for model, path in owned())
    assert list(export_files.folder().glob("*")) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL's files")
def test_what_operators_are_told_to_run_leaves_no_trace_in_any_file_of_postgresql(full: User) -> None:
    """Its write-ahead log and the planner's statistics among them, and with a transaction open in another database
    that began before the erasure."""
    _, _, page = OPERATIONS_PAGE.read_text().partition("## Who was erased")
    told = page.partition("```sql\n")[2].partition("```")[0].splitlines()
    plant_canaries(full)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
        before = found_below(folder)

        elsewhere = psycopg.connect(os.environ["MATINEE_DATABASE_URL"])
        elsewhere.execute("SELECT pg_current_xact_id()")
        threading.Timer(0.5, elsewhere.close).start()
        erase(full, by=full.audit_key, now=NOW)
        cursor.execute("SET statement_timeout = '5min'")  # it waits for the tests of other processes too
        for line in told:
            query, is_made, _ = line.partition(" \\gexec")
            cursor.execute(query)
            for statement in chain(*cursor.fetchall()) if is_made else ():
                cursor.execute(statement)
        cursor.execute("RESET statement_timeout")

    assert {"base", "pg_wal"} <= {path.relative_to(folder).parts[0] for path in before}
    assert not found_below(folder)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of PostgreSQL's files this says nothing")
def test_what_is_deleted_is_overwritten_without_a_vacuum(alice: User, tmp_path: Path) -> None:
    canary = "a canary that no other test has"
    User.objects.filter(pk=alice.pk).update(first_name=canary)
    checkpoint()
    before = found_in_the_files(canary, tmp_path)

    erase_account(session_id=0, user=alice, password=PASSWORD, now=NOW)
    while Worker(queues=["default"]).run_one(now=dt.datetime.now(dt.UTC)):
        pass

    assert before
    assert found_in_the_files(canary, tmp_path) == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of PostgreSQL's files this says nothing")
def test_who_is_erased_again_is_overwritten_too(alice: User, tmp_path: Path) -> None:
    canary = "a canary of her second erasure"
    User.objects.filter(pk=alice.pk).update(first_name=canary)
    Erasure.objects.create(audit_key=alice.audit_key, erased_at=NOW)
    checkpoint()
    before = found_in_the_files(canary, tmp_path)

    erase_again()
    while Worker(queues=["default"]).run_one(now=dt.datetime.now(dt.UTC)):
        pass

    assert before
    assert found_in_the_files(canary, tmp_path) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's log is what this job empties, as tested above.")
@pytest.mark.usefixtures("measured")
def test_the_job_after_an_erasure_leaves_the_log_of_postgresql_alone(alice: User) -> None:
    erase(alice, by=alice.audit_key, now=NOW)

    with CaptureQueriesContext(connection) as asked:
        empty_write_ahead_log.func()

    assert not User.objects.exists()
    assert len(asked) == 0


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's log")
def test_while_somebody_reads_the_log_the_job_fails_to_be_tried_again(alice: User) -> None:
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM accounts_user").fetchall()
        User.objects.filter(pk=alice.pk).update(first_name="in the log")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 10")

        with pytest.raises(LogInUse, match=r"^Another connection reads from SQLite's log for long\.$"):
            empty_write_ahead_log.func()

    connection.close()  # with it goes the short timeout
    empty_write_ahead_log.func()


def test_what_their_rows_are_called_where_programmers_and_staff_see_it_tells_nothing_of_them(full: User) -> None:
    ours = [(model, path) for model, path in owned() if model.__module__.startswith("matinee.")]
    called = [str(row) for model, path in ours for row in model._base_manager.filter(**{path: full.pk})]

    assert f"export {Export.objects.get().pk} of {full.pk}" in called
    assert not [name for name in called if CANARY in name or full.email in name]


def test_the_trail_is_kept_and_names_nobody(full: User) -> None:
    key, before = full.audit_key, Event.objects.filter(subject=full.audit_key).count()

    erase_account(session_id=0, user=full, password=PASSWORD, now=NOW)

    assert Event.objects.filter(subject=key).count() == before + 1
    last = Event.objects.latest("id")
    assert (last.action, last.actor, last.subject, last.at) == ("account_erased", key, key, NOW)
    listed = Erasure.objects.get()
    assert (listed.erased_at, str(listed)) == (NOW, key)
    assert not User.objects.filter(audit_key=key).exists()


def test_whoever_holds_more_than_rows_is_told_who_is_gone(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Erased] = []
    monkeypatch.setitem(privacy._erasers, "a part of the tests", told.append)
    pk = alice.pk

    erase(alice, by=None, now=NOW)

    assert told == [Erased(pk, alice.audit_key)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's pages")
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_only_an_erasure_overwrites(alice: User, password: str) -> None:
    with suppress(WrongPassword):
        erase_account(session_id=0, user=alice, password=password, now=NOW)

    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA secure_delete").fetchone() == (0,)


def test_only_who_knows_the_password_erases_and_nothing_happens_otherwise(full: User) -> None:
    with pytest.raises(WrongPassword) as refusal:
        erase_account(session_id=0, user=full, password="wrong horse battery staple", now=NOW)

    assert [field.field for field in refusal.value.fields] == ["password"]
    assert User.objects.filter(pk=full.pk).exists()
    assert Favorite.objects.count() == 1
    assert not Erasure.objects.exists()


def test_nobody_else_loses_anything(full: User, bob: User) -> None:
    film = Movie.objects.get()
    services.rate_movie(user=bob, movie_pk=film.pk, stars=2, review="bob's", private=None, now=NOW)

    erase_account(session_id=0, user=full, password=PASSWORD, now=NOW)

    assert MovieRating.objects.get().review == "bob's"
    assert User.objects.get() == bob
    assert Movie.objects.count() == 1


def test_sessions_end_at_once(alice: User) -> None:
    access = open_session(user=alice, now=NOW).access

    erase_account(session_id=0, user=alice, password=PASSWORD, now=NOW)

    assert not is_good(access, now=NOW)


def test_an_erasure_that_is_taken_back_has_erased_nobody_and_lists_nobody(alice: User) -> None:
    with transaction.atomic():
        erase(alice, by=None, now=NOW)
        transaction.set_rollback(True)

    assert User.objects.filter(username="alice").exists()
    assert not erasure._file().exists()
    assert erase_again() == 0
    assert User.objects.filter(username="alice").exists()


def test_who_registers_anew_is_somebody_else(alice: User) -> None:
    erase_account(session_id=0, user=alice, password=PASSWORD, now=NOW)

    again = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)

    assert erase_again() == 0
    assert again.audit_key != alice.audit_key
    assert not Event.objects.filter(subject=again.audit_key, action="account_erased").exists()


def test_staff_who_delete_an_account_erase_it(alice: User) -> None:
    root = create_user(
        email="root@example.org", username="root", password=PASSWORD, now=NOW, is_staff=True, is_superuser=True
    )
    bob = create_user(email="bob@example.org", username="bob", password=PASSWORD, now=NOW)
    client = Client()
    client.force_login(root)

    client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})
    client.post("/admin/accounts/user/", {"action": "delete_selected", "_selected_action": bob.pk, "post": "yes"})

    told = Event.objects.filter(action="account_erased").order_by("id")
    assert [(event.actor, event.subject) for event in told] == [
        (root.audit_key, alice.audit_key),
        (root.audit_key, bob.audit_key),
    ]
    assert set(erasure._listed()) == {alice.audit_key, bob.audit_key}
    assert not LogEntry.objects.filter(object_repr__in=["alice", "bob"]).exists()


def test_who_writes_meanwhile_leaves_nothing_behind(alice: User) -> None:
    films = [
        Movie.objects.create(tmdb_id=number + 1, title="x", created_at=NOW, updated_at=NOW) for number in range(20)
    ]

    def rate_all() -> int:
        for film in films:
            services.rate_movie(user=alice, movie_pk=film.pk, stars=3, review=None, private=None, now=NOW)
        return 0

    def go() -> int:
        erase_account(session_id=0, user=User(pk=alice.pk), password=PASSWORD, now=NOW)
        return 0

    assert at_once(rate_all, rate_all, go)[-1] == 0
    assert not User.objects.exists()
    assert not MovieRating.objects.exists()


def test_every_row_is_found_by_its_path_whatever_django_would_do_with_it() -> None:
    models_with_people = {model for model, _ in owned()}
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.related_model is User:
                assert model in models_with_people
