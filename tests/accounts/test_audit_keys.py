"""The key under which the trail knows a person, for those who were there before it, too."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from matinee.accounts.models import User
from tests.accounts.conftest import NOW

OLD_INSERT = """
INSERT INTO accounts_user (password, is_superuser, email, email_key, username, username_key, first_name, last_name,
  is_active, is_staff, date_joined)
VALUES ('', %s, %s, %s, %s, %s, '', '', %s, %s, %s)
"""


def insert_as_before_the_upgrade(name: str) -> None:
    address = f"{name}@example.org"
    with connection.cursor() as cursor:
        cursor.execute(OLD_INSERT, [False, address, address, name, name, True, False, NOW])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("back_to_the_newest_migration", "measured")
def test_whoever_was_there_before_gets_a_key_of_their_own_and_a_program_of_before_can_still_register_people() -> None:
    MigrationExecutor(connection).migrate([("accounts", "0002_device_and_address_of_sessions")])
    insert_as_before_the_upgrade("alice")
    insert_as_before_the_upgrade("bob")

    MigrationExecutor(connection).migrate([("accounts", "0003_audit_key")])
    insert_as_before_the_upgrade("carol")

    keys = set(User.objects.values_list("audit_key", flat=True))
    assert len(keys) == 3
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)


def test_two_people_have_two_keys(alice: User, bob: User) -> None:
    assert alice.audit_key != bob.audit_key
    assert User.objects.get(pk=alice.pk).audit_key == alice.audit_key
