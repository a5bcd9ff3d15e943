"""Of the rows that no path leads to from an account, an erasure takes those of the person, and no other; and those of
the database that it is told of, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as AdminSession
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from matinee.accounts import erasure, letters
from matinee.accounts.erasure import erase, erase_again
from matinee.accounts.models import Erasure, Letter, Session, User
from matinee.accounts.sessions import open_session
from matinee.catalog.models import Movie
from matinee.operations.backups.engines import Staged, known_to_django
from matinee.operations.backups.sqlite import Sqlite
from tests.accounts.conftest import NOW


def signed_in_to_the_admin(user: User) -> str:
    cookie = SessionStore()
    cookie["_auth_user_id"] = str(user.pk)
    cookie.save()
    assert cookie.session_key is not None
    return cookie.session_key


def test_the_admins_sessions_of_staff_go_and_no_one_elses(alice: User, bob: User) -> None:
    alice.is_staff = True
    alice.save()
    signed_in_to_the_admin(alice)
    of_bob = signed_in_to_the_admin(bob)

    erase(alice, by=None, now=NOW)

    assert AdminSession.objects.get().session_key == of_bob


def test_the_admins_log_about_the_person_goes_and_of_nothing_else(alice: User, bob: User) -> None:
    film = Movie.objects.create(pk=alice.pk, tmdb_id=603, title="The Matrix", created_at=NOW, updated_at=NOW)
    for row in (alice, bob, film):
        kind = ContentType.objects.get_for_model(row)
        LogEntry.objects.create(user=bob, action_flag=2, content_type=kind, object_id=str(row.pk), object_repr=str(row))

    erase(alice, by=None, now=NOW)

    assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {str(bob), str(film)}


def test_a_mail_to_the_persons_address_goes_though_it_is_of_no_account(alice: User, bob: User) -> None:
    for user in (alice, bob):
        letters.post(Letter.Kind.REGISTRATION, email=user.email, user=None, now=NOW)

    erase(alice, by=None, now=NOW)

    assert list(Letter.objects.values_list("email", flat=True)) == [bob.email]


@pytest.fixture
def older(
    transactional_db: None,
    django_db_blocker: DjangoDbBlocker,
    alice: User,
    bob: User,
    settings: Settings,
    tmp_path: Path,
) -> Iterator[str]:
    """Django's name for a copy of the live database: rows of alice, who is staff, and of bob are in both."""
    settings.DATA_DIR = tmp_path
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    for user in (alice, bob):
        open_session(user=user, now=NOW)
        letters.post(Letter.Kind.REGISTRATION, email=user.email, user=None, now=NOW)
        LogEntry.objects.log_actions(user_id=bob.pk, queryset=[user], action_flag=2)
        signed_in_to_the_admin(user)
    Sqlite().copy(tmp_path / "older", lambda *_: None)
    staged = Staged({**connection.settings_dict, "NAME": str(tmp_path / "older")}, put_in_place=lambda: None)
    unblocked = patch.object(BaseDatabaseWrapper, "ensure_connection", django_db_blocker._real_ensure_connection)
    with unblocked, known_to_django(staged) as alias:
        yield alias


def rows_in(alias: str) -> dict[str, int]:
    kinds = (User, Session, Letter, LogEntry, AdminSession, Erasure, DBTaskResult)
    return {kind._meta.label: kind._base_manager.using(alias).count() for kind in kinds}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a restore's own tests make another one on PostgreSQL")
def test_whom_a_database_that_is_not_in_service_yet_brings_back_goes_from_it_alone(alice: User, older: str) -> None:
    before = rows_in(DEFAULT_DB_ALIAS)

    erased = erase_again(using=older, listed_elsewhere=f"{alice.audit_key} 2026-02-01T00:00:00+00:00 erased\n")

    assert (erased, User.objects.using(older).get().username) == (1, "bob")
    jobs = DBTaskResult._meta.label
    assert rows_in(older) == dict.fromkeys(before, 1) | {jobs: before[jobs]}
    assert rows_in(DEFAULT_DB_ALIAS) == before
    assert set(erasure._listed()) == {alice.audit_key}
    with connections[older].cursor() as cursor:
        assert cursor.execute("PRAGMA secure_delete").fetchone() == (0,)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a restore's own tests make another one on PostgreSQL")
def test_whom_such_a_database_knows_to_be_erased_is_listed_there_once_and_in_the_file(older: str) -> None:
    for key in ("a" * 32, "b" * 32):
        Erasure.objects.using(older).create(audit_key=key, erased_at=NOW)

    erase_again(using=older, listed_elsewhere="a" * 32 + " 2026-02-01T00:00:00+00:00 erased\n")

    assert Erasure.objects.using(older).count() == 2
    assert not Erasure.objects.exists()
    assert set(erasure._listed()) == {"a" * 32, "b" * 32}
