"""What people write about themselves is nowhere in the database in plain, and is read by nobody but its own row."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
import random
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from matinee.accounts import keys, master_keys
from matinee.accounts.models import DataKey, User, UserProfile
from matinee.accounts.services import create_user, update_profile
from matinee.audit.models import Event
from matinee.core.ciphers import Unreadable
from tests.accounts.conftest import NOW, PASSWORD
from tests.at_once import at_once

BORN = dt.date(1990, 5, 17)
OTHER_KEY = "a very different master key, 0123456789"


@pytest.fixture(autouse=True)
def _keys_of_its_own(settings: Settings, tmp_path: Path) -> None:
    settings.ENCRYPTION_KEYS_FILE = tmp_path / "encryption-keys"
    settings.ENCRYPTION_KEYS_FILE.write_text("the-first-master-key-of-these-tests-0123")


def stored(user: User) -> UserProfile:
    return UserProfile.objects.readable().get(user=user)


def said(user: User, bio: str = "Slow films.", born: dt.date | None = BORN) -> UserProfile:
    update_profile(user=user, changes={"bio": bio, "birth_date": born}, now=NOW)
    return stored(user)


def columns(user: User) -> dict[str, bytes]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_bio, sealed_birth_date FROM accounts_userprofile WHERE user_id = %s", [user.pk])
        return {
            name: bytes(value)
            for name, value in zip(("sealed_bio", "sealed_birth_date"), cursor.fetchone(), strict=True)
        }


def put(user: User, column: str, value: bytes, table: str = "accounts_userprofile") -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE user_id = %s", [value, user.pk])


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    bio=st.text(st.characters(codec="utf-8"), max_size=300),
    born=st.none() | st.dates(min_value=dt.date(1, 1, 1)),
)
def test_whatever_is_saved_is_read_as_it_was(alice: User, bio: str, born: dt.date | None) -> None:
    profile = stored(alice)
    profile.bio, profile.birth_date = bio, born
    profile.save()

    after = stored(alice)
    assert (after.bio, after.birth_date) == (bio, born)


@pytest.mark.parametrize("bio", ["", "0", "\U0001f600 \U00020000", "None", "x" * 5_000])
def test_empty_zero_and_four_byte_characters_survive(alice: User, bio: str) -> None:
    after = said(alice, bio=bio, born=None)

    assert (after.bio, after.birth_date) == (bio, None)


def test_nothing_of_it_is_in_the_database(alice: User) -> None:
    said(alice, bio="canary-in-plain", born=BORN)

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_userprofile WHERE user_id = %s", [alice.pk])
        row = b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in cursor.fetchone())
    assert b"canary" not in row
    assert b"1990-05-17" not in row


def test_two_rows_can_not_be_exchanged_nor_two_columns(alice: User, bob: User) -> None:
    said(alice, bio="alice's", born=BORN)
    said(bob, bio="bob's", born=BORN)
    hers, his = columns(alice), columns(bob)
    put(alice, "sealed_bio", his["sealed_bio"])
    put(bob, "sealed_birth_date", his["sealed_bio"])

    with pytest.raises(Unreadable, match=r"accounts_userprofile\.sealed_bio of user"):
        _ = stored(alice).bio
    with pytest.raises(Unreadable):
        _ = stored(bob).birth_date
    put(alice, "sealed_bio", hers["sealed_bio"])
    assert stored(alice).bio == "alice's"


def test_a_row_and_its_key_can_not_be_given_to_somebody_else(alice: User, bob: User) -> None:
    said(alice, bio="alice's")
    sealed = bytes(DataKey.objects.get(user=alice).sealed)
    put(bob, "sealed", sealed, table="accounts_datakey")
    put(bob, "sealed_bio", columns(alice)["sealed_bio"])

    with pytest.raises(Unreadable):
        _ = stored(bob).bio


@pytest.mark.parametrize("seed", range(5))
def test_a_flipped_bit_is_an_error_and_never_shown(alice: User, seed: int) -> None:
    said(alice, bio="Slow films.")
    damaged = bytearray(columns(alice)["sealed_bio"])
    bit = random.Random(seed).randrange(len(damaged) * 8)
    damaged[bit // 8] ^= 1 << bit % 8
    put(alice, "sealed_bio", bytes(damaged))

    with pytest.raises(Unreadable) as refusal:
        _ = stored(alice).bio

    assert "Slow" not in str(refusal.value)


def test_what_can_not_be_read_stays_as_it_is_when_something_else_is_saved(alice: User) -> None:
    said(alice, bio="Slow films.")
    put(alice, "sealed_bio", b"damaged")

    profile = stored(alice)
    profile.favorite_genres = [18]
    profile.save()

    assert columns(alice)["sealed_bio"] == b"damaged"


def test_it_is_neither_looked_for_nor_changed_in_bulk(alice: User) -> None:
    with pytest.raises(TypeError, match="is encrypted"):
        UserProfile.objects.filter(bio="Slow films.").exists()
    with pytest.raises(TypeError, match="is encrypted"):
        UserProfile.objects.update(bio="Slow films.")


def test_a_profile_with_what_opens_it_is_one_query(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    said(alice)

    with django_assert_num_queries(1):
        profile = stored(alice)
        assert (profile.bio, profile.birth_date) == ("Slow films.", BORN)


def test_a_lost_master_key_is_told_by_its_id(alice: User, settings: Settings) -> None:
    said(alice)
    lost = DataKey.objects.get(user=alice).master_key_id
    settings.ENCRYPTION_KEYS = [OTHER_KEY]

    with pytest.raises(Unreadable, match=f"{lost}, which is not among MATINEE_ENCRYPTION_KEYS"):
        _ = stored(alice).bio
    with pytest.raises(CommandError, match=lost) as refusal:
        call_command("rotate-keys")
    assert refusal.value.returncode == 65


def test_which_master_keys_are_lost_is_told_by_their_ids(alice: User, bob: User, settings: Settings) -> None:
    DataKey.objects.filter(user=bob).update(master_key_id="0" * 16)
    of_alice = DataKey.objects.get(user=alice).master_key_id
    with_hers = keys.lost()

    settings.ENCRYPTION_KEYS = [OTHER_KEY]

    assert (with_hers, keys.lost()) == (["0" * 16], sorted(["0" * 16, of_alice]))


def test_a_master_key_is_made_of_its_text_in_one_way_for_ever(settings: Settings) -> None:
    """Made otherwise it would open nothing that is there."""
    settings.ENCRYPTION_KEYS = [OTHER_KEY]
    key = hmac.digest(OTHER_KEY.encode(), b"matinee master key of data keys, AES-256-GCM, 1", "sha256")

    assert master_keys.newest() == (hashlib.sha256(key).hexdigest()[:16], key)


def test_a_destroyed_data_key_is_the_end_of_it(alice: User) -> None:
    said(alice)
    DataKey.objects.filter(user=alice).delete()

    with pytest.raises(Unreadable, match=f"The data key of user {alice.pk} is not there"):
        _ = stored(alice).bio


def test_who_has_no_data_key_yet_gets_one_when_it_is_needed(alice: User) -> None:
    DataKey.objects.filter(user=alice).delete()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_userprofile SET sealed_bio = NULL")
    before = stored(alice).bio

    after = said(alice)

    assert (before, after.bio) == ("", "Slow films.")


def test_the_first_of_several_keys_wraps_and_all_open(alice: User, settings: Settings) -> None:
    said(alice)
    first = master_keys.own_file().read_text()
    settings.ENCRYPTION_KEYS = [OTHER_KEY, first]

    call_command("rotate-keys")
    settings.ENCRYPTION_KEYS = [OTHER_KEY]

    assert stored(alice).bio == "Slow films."
    event = Event.objects.latest("id")
    assert event.changed == {"master_key": master_keys.newest()[0], "data_keys": 1}
    assert (event.action, event.actor, event.subject) == ("keys_rotated", None, None)


def test_an_instances_own_keys_are_added_to_and_for_its_user_alone(alice: User, capsys: Any) -> None:
    said(alice)
    before = master_keys.own_file().read_text()

    call_command("rotate-keys")

    lines = master_keys.own_file().read_text().split("\n")
    assert (len(lines), lines[1], len(lines[0])) == (2, before, 64)
    assert sorted(path.name for path in master_keys.own_file().parent.glob("encryption-keys*")) == ["encryption-keys"]
    assert stat.S_IMODE(master_keys.own_file().stat().st_mode) == 0o600
    assert DataKey.objects.get().master_key_id == master_keys.newest()[0]
    assert stored(alice).bio == "Slow films."
    assert "1 data keys are sealed anew" in capsys.readouterr().out


def test_a_rotation_that_was_stopped_goes_on_without_another_key(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "AT_ONCE", 1)
    seal_some, calls = keys._seal_some, iter([True, False])

    def stopped() -> int:
        if next(calls):
            return seal_some()
        raise KeyboardInterrupt

    monkeypatch.setattr(keys, "_seal_some", stopped)
    with pytest.raises(KeyboardInterrupt):
        keys.rotate(now=NOW)
    monkeypatch.setattr(keys, "_seal_some", seal_some)

    sealed = keys.rotate(now=NOW)

    assert sealed == 1
    assert len(master_keys.own_file().read_text().split()) == 2
    assert set(DataKey.objects.values_list("master_key_id", flat=True)) == {master_keys.newest()[0]}


def test_a_rotation_tells_how_many_it_sealed_in_all_its_steps(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "AT_ONCE", 1)

    assert keys.rotate(now=NOW) == 2


@pytest.mark.django_db(transaction=True)
def test_keys_change_while_eight_write_and_nobody_notices() -> None:
    people = [create_user(email=f"p{n}@example.org", password=PASSWORD, now=NOW) for n in range(8)]

    def write(user: User) -> list[str]:
        return [said(user, bio=f"{user.pk}, {turn}").bio for turn in range(12)]

    def rotate() -> list[str]:
        for _ in range(3):
            keys.rotate(now=NOW)
        return []

    results = at_once(*[lambda user=user: write(user) for user in people], rotate)
    call_command("rotate-keys")

    assert results[:8] == [[f"{user.pk}, {turn}" for turn in range(12)] for user in people]
    assert results[8] == []
    assert set(DataKey.objects.values_list("master_key_id", flat=True)) == {master_keys.newest()[0]}


def test_of_the_model_itself_the_attribute_is_the_field_as_django_and_its_checks_look_for_it() -> None:
    assert UserProfile.bio.field is UserProfile._meta.get_field("bio")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("back_to_the_newest_migration")
def test_what_was_there_before_is_encrypted_by_the_migration_and_comes_back_plain(alice: User, bob: User) -> None:
    MigrationExecutor(connection).migrate([("accounts", "0005_guesses")])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_userprofile SET bio = %s, birth_date = %s WHERE user_id = %s",
            ["Slow films.", BORN.isoformat(), alice.pk],
        )

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("accounts"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT bio, birth_date FROM accounts_userprofile")
        left = cursor.fetchall()
    read = [(stored(user).bio, stored(user).birth_date) for user in (alice, bob)]
    executor = MigrationExecutor(connection)
    executor.migrate([("accounts", "0005_guesses")])
    with connection.cursor() as cursor:
        cursor.execute("SELECT bio, birth_date FROM accounts_userprofile WHERE user_id = %s", [alice.pk])
        back = cursor.fetchone()

    assert left == [("", None)] * 2
    assert read == [("Slow films.", BORN), ("", None)]
    assert (back[0], str(back[1])) == ("Slow films.", "1990-05-17")


def test_the_instances_own_file_is_for_its_user_alone() -> None:
    own = django_settings.DATA_DIR / "encryption-keys"

    assert stat.S_IMODE(own.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "MATINEE_ENCRYPTION_KEYS is needed in production"),
        ({"MATINEE_ENCRYPTION_KEYS": "short"}, "MATINEE_ENCRYPTION_KEYS is too weak"),
        ({"MATINEE_ENCRYPTION_KEYS": "x" * 64}, "MATINEE_ENCRYPTION_KEYS is too weak"),
        ({"MATINEE_ENCRYPTION_KEYS": f"{OTHER_KEY.replace(' ', '-').replace(',', '')},weak"}, "too weak"),
        ({"MATINEE_ENCRYPTION_KEYS": "signing-tokens-0123456789-abcdefgh"}, "must not hold MATINEE_SECRET_KEY"),
    ],
)
def test_production_does_not_start_without_a_strong_key_of_its_own(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    environment = {
        "MATINEE_DATA_DIR": str(tmp_path),
        "MATINEE_MODE": "production",
        "MATINEE_SECRET_KEY": "signing-tokens-0123456789-abcdefgh",
        "MATINEE_ALLOWED_HOSTS": "films.example.org",
        **given,
    }

    ended = subprocess.run(
        [sys.executable, "-m", "matinee.cli", "check"], check=False, capture_output=True, text=True, env=environment
    )

    assert ended.returncode == 78
    assert said in ended.stderr


def test_an_unreadable_profile_is_a_500_that_shows_nothing_of_it(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    from matinee.accounts.sessions import open_session  # noqa: PLC0415 - beside its one use
    from tests.api.conftest import Api  # noqa: PLC0415 - beside its one use

    said(alice, bio="Slow films.")
    text = columns(alice)["sealed_bio"]
    put(alice, "sealed_bio", text[:-1])
    api = Api(open_session(user=alice, now=dt.datetime.now(dt.UTC)).access)

    with caplog.at_level(logging.DEBUG):
        response = api.get("users/profile/")

    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert f"sealed_bio of user {alice.pk} can't be read" in caplog.text
    assert text.hex() not in caplog.text
