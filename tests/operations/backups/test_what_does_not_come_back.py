"""What a restore does not bring back: sessions, links, exports, and who was erased."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts import export_files, letters
from matinee.accounts.erasure import erase
from matinee.accounts.models import Erasure, Export, Letter, Session, User
from matinee.accounts.services import create_user
from matinee.accounts.sessions import sign_in
from matinee.audit.models import Event
from matinee.audit.sealing import seal
from matinee.audit.verifying import verify
from matinee.catalog import outbox
from matinee.library.models import ToldReleases
from matinee.operations.backups import services
from matinee.operations.backups.refusals import (
    BadArchive,
)
from tests.operations.backups.conftest import NOW

PASSWORD = "correct horse battery staple"


def test_who_has_signed_out_since_does_not_come_back(empty_database: None, folder: Path) -> None:
    create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    sign_in(username="alice", password=PASSWORD, now=timezone.now())
    made = services.backup(folder=folder, now=NOW)

    services.restore(file=made.path, replace=True, now=timezone.now())

    assert User.objects.get().username == "alice"
    assert not Session.objects.filter(ended_at=None).exists()


def test_no_cookie_link_or_export_of_that_day_works_again(empty_database: None, folder: Path) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    cookie = SessionStore()
    cookie["_auth_user_id"] = str(alice.pk)
    cookie.save()
    letters.post(Letter.Kind.RESET, email=alice.email, user=alice, now=NOW)
    letters.post(Letter.Kind.PASSWORD_CHANGED, email=alice.email, user=alice, now=NOW)
    Letter.objects.filter(kind=Letter.Kind.RESET).update(digest=b"of a token")
    made = Export.objects.create(user=alice, created_at=NOW, expires_at=NOW + dt.timedelta(days=1), rows=1)
    export_files.folder().mkdir()
    export_files.path_of(made).touch()
    path = services.backup(folder=folder, now=NOW).path

    services.restore(file=path, replace=True, now=NOW)

    assert not SessionStore(cookie.session_key).exists(str(cookie.session_key))
    assert [letter.kind for letter in Letter.objects.all()] == ["password_changed"]
    assert not Export.objects.exists()
    assert not export_files.path_of(made).exists()


def test_nobody_is_told_again_of_what_came_out_since(empty_database: None, folder: Path) -> None:
    days = [NOW.date() - dt.timedelta(days=ago) for ago in (2, 1, 0)]
    ToldReleases.objects.create(day=days[0], done_at=NOW)
    ToldReleases.objects.create(day=days[1], up_to_person=7)
    made = services.backup(folder=folder, now=NOW)
    ToldReleases.objects.filter(day=days[1]).update(done_at=NOW, films=[603])
    ToldReleases.objects.create(day=days[2], up_to_person=7)

    services.restore(file=made.path, replace=True, now=NOW)

    told = [*ToldReleases.objects.exclude(done_at=None).order_by("day").values_list("day", "done_at", "films")]
    assert told == [(days[0], NOW, None), (days[1], NOW, [603])]


def test_nobody_is_told_again_where_the_program_before_told_them(empty_database: None, folder: Path) -> None:
    made = services.backup(folder=folder, now=NOW)
    ToldReleases.objects.create(day=NOW.date(), done_at=NOW)
    call_command("migrate", "library", "0004", verbosity=0)

    services.restore(file=made.path, replace=True, now=NOW)

    assert [*ToldReleases.objects.values_list("day", "done_at", "films")] == [(NOW.date(), NOW, None)]


def test_who_is_erased_while_it_is_made_ready_does_not_come_back(
    empty_database: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    made = services.backup(folder=folder, now=NOW)
    start_over = outbox.start_over

    def and_meanwhile(*, using: str) -> None:
        start_over(using=using)
        erase(alice, by=None, now=NOW)

    monkeypatch.setattr(outbox, "start_over", and_meanwhile)

    services.restore(file=made.path, replace=True, now=NOW)

    assert not User.objects.exists()
    assert Erasure.objects.get().audit_key == alice.audit_key


def test_who_was_erased_since_does_not_come_back_and_the_trail_is_whole(empty_database: None, folder: Path) -> None:
    alice, bob = (
        create_user(email=f"{name}@example.org", username=name, password=PASSWORD, now=NOW) for name in ("alice", "bob")
    )
    made = services.backup(folder=folder, now=NOW)
    erase(alice, by=None, now=NOW)
    seal(now=NOW)

    services.restore(file=made.path, replace=True, now=NOW)

    assert User.objects.get() == bob
    assert Erasure.objects.get().audit_key == alice.audit_key
    assert verify().unsealed > 0
    assert Event.objects.latest("id").action == "restore_accepted"


def test_the_list_of_the_erased_beside_the_archives_outlives_the_disk(
    empty_database: None, folder: Path, settings: Settings
) -> None:
    alice, bob = (
        create_user(email=f"{name}@example.org", username=name, password=PASSWORD, now=NOW) for name in ("alice", "bob")
    )
    old = services.backup(folder=folder, now=NOW)
    erase(alice, by=None, now=NOW)
    services.backup(folder=folder, now=NOW + dt.timedelta(days=1))
    shutil.rmtree(settings.DATA_DIR)
    settings.DATA_DIR.mkdir()
    Erasure.objects.all().delete()
    services.backup(folder=folder, now=NOW + dt.timedelta(days=2))

    services.restore(file=old.path, replace=True, now=NOW)

    assert User.objects.get() == bob
    assert Erasure.objects.get().audit_key == alice.audit_key
    assert alice.audit_key in (settings.DATA_DIR / "erased").read_text()
    assert (folder / "matinee.erased").stat().st_mode & 0o777 == 0o600


def test_a_forged_list_of_the_erased_erases_nobody(empty_database: None, folder: Path) -> None:
    alice = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    made = services.backup(folder=folder, now=NOW)
    sealed = (folder / "matinee.erased").read_bytes()
    (folder / "matinee.erased").write_bytes(f"{alice.audit_key} {NOW.isoformat()} erased\n".encode() + sealed)

    with pytest.raises(BadArchive, match="tampered with"):
        services.restore(file=made.path, replace=True, now=NOW)
    with pytest.raises(BadArchive, match="tampered with"):
        services.backup(folder=folder, now=NOW + dt.timedelta(days=1))

    assert User.objects.get() == alice
