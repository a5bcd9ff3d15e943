"""Who is erased is on two lists, in the database and beside it, and is erased again where a backup brings them back."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest

from matinee.accounts import erasure
from matinee.accounts.erasure import erase, erase_account, erase_again
from matinee.accounts.models import Erasure, User
from matinee.accounts.services import create_user
from tests.accounts.conftest import NOW, PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("_a_disk_of_its_own")]


def test_the_list_beside_the_database_is_for_its_user_alone_and_a_line_for_each(
    alice: User, bob: User, tmp_path: Path
) -> None:
    for person in (alice, bob):
        erase(person, by=None, now=NOW)
    erase_again()  # to which there is nothing to add

    lines = [f"\n{person.audit_key} 2026-03-01T12:00:00+00:00 erased\n" for person in (alice, bob)]
    assert (tmp_path / "erased").read_text() == "".join(lines)
    assert stat.S_IMODE((tmp_path / "erased").stat().st_mode) == 0o600


def test_who_is_on_a_list_from_elsewhere_is_erased_and_stays_listed(alice: User, bob: User) -> None:
    listed = f"{alice.audit_key} 2026-02-01T00:00:00+00:00 erased\n"

    erased = erase_again(listed_elsewhere=listed)

    assert (erased, User.objects.get()) == (1, bob)
    assert erasure.list_with("") == listed
    assert Erasure.objects.get().erased_at == dt.datetime(2026, 2, 1, tzinfo=dt.UTC)


def test_whoever_was_erased_is_erased_again_where_an_older_database_brings_them_back(alice: User, bob: User) -> None:
    key = alice.audit_key
    erase_account(session_id=0, user=alice, password=PASSWORD, now=NOW)
    Erasure.objects.all().delete()
    back = create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)
    User.objects.filter(pk=back.pk).update(audit_key=key)

    erased = erase_again()

    assert erased == 1
    assert User.objects.get() == bob
    assert Erasure.objects.get().audit_key == key
    assert erase_again() == 0


def test_each_list_learns_from_the_other(alice: User) -> None:
    Erasure.objects.create(audit_key="a" * 32, erased_at=NOW)
    erasure._remember({"b" * 32: NOW})
    with erasure._file().open("a") as file:
        file.write("c" * 32 + " 2026-0")  # cut off by a crash

    erase_again()
    erase_account(session_id=0, user=alice, password=PASSWORD, now=NOW)

    keys = {"a" * 32, "b" * 32, alice.audit_key}
    assert set(Erasure.objects.values_list("audit_key", flat=True)) == keys
    assert set(erasure._listed()) == keys
