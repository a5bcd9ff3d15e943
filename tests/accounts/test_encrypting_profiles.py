"""The migration that encrypts what people had written about themselves, which commits in batches."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from matinee.accounts.models import User
from tests.accounts.test_encrypted_fields import stored


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("back_to_the_newest_migration")
def test_the_migration_that_encrypts_keeps_what_is_done_when_it_is_broken_off_and_goes_on_from_there(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = import_module("matinee.accounts.migrations.0007_encrypt_profiles")
    MigrationExecutor(connection).migrate([("accounts", "0006_encrypted_profile"), ("library", "0002_trending")])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_userprofile SET bio = 'Slow films.'")
    encrypt_one, done = migration._encrypt, list[Any]()

    def broken_off(profile: Any, *tables: Any) -> None:
        if done:
            raise KeyboardInterrupt
        encrypt_one(profile, *tables)
        done.append(profile)

    monkeypatch.setattr(migration, "AT_ONCE", 1)
    monkeypatch.setattr(migration, "_encrypt", broken_off)
    with pytest.raises(KeyboardInterrupt):
        MigrationExecutor(connection).migrate([("accounts", "0007_encrypt_profiles")])
    with connection.cursor() as cursor:
        cursor.execute("SELECT bio FROM accounts_userprofile ORDER BY id")
        left = [bio for (bio,) in cursor.fetchall()]
    monkeypatch.setattr(migration, "_encrypt", encrypt_one)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

    assert left == ["", "Slow films."]
    assert [stored(user).bio for user in (alice, bob)] == ["Slow films."] * 2
