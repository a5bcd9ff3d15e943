import datetime as dt
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from matinee.accounts import master_keys
from matinee.accounts.encrypted_fields import Sealed
from matinee.core import ciphers

AT_ONCE = 100
"""Profiles in one transaction, so that nobody who changes theirs meanwhile waits for more of them."""
BIO, BIRTH_DATE = ("accounts_userprofile.sealed_bio", "accounts_userprofile.sealed_birth_date")


def encrypt(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """With the form of this day, since models and fields go on changing. Where it was broken off it goes on.

    Who has a key was encrypted by then; what the program before has written of them since is not taken, as ever.
    """
    alias, last = schema_editor.connection.alias, 0
    data_keys, profiles = (apps.get_model("accounts", name).objects.using(alias) for name in ("DataKey", "UserProfile"))
    plain = profiles.exclude(plain_bio="", plain_birth_date=None).exclude(user_id__in=data_keys.values("pk"))
    while True:
        with transaction.atomic(using=alias):
            some = list(plain.filter(pk__gt=last).order_by("pk").select_for_update()[:AT_ONCE])
            for profile in some:
                _encrypt(profile, data_keys, profiles)
        if not some:
            return
        last = some[-1].pk


def _encrypt(profile: Any, data_keys: Any, profiles: Any) -> None:
    whose, key = profile.user_id, ciphers.new_key()
    master_key_id, master_key = master_keys.newest()
    sealed = ciphers.sealed(key, key=master_key, place=f"data key of user {whose}")
    data_keys.create(user_id=whose, sealed=sealed, master_key_id=master_key_id)
    born = profile.plain_birth_date
    profiles.filter(pk=profile.pk).update(
        bio=_sealed(profile.plain_bio, key, f"{BIO} of user {whose}"),
        birth_date=None if born is None else _sealed(born.isoformat(), key, f"{BIRTH_DATE} of user {whose}"),
        plain_bio="",
        plain_birth_date=None,
    )


def decrypt(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    data_keys, profiles = (apps.get_model("accounts", name).objects.using(alias) for name in ("DataKey", "UserProfile"))
    with transaction.atomic(using=alias):
        _decrypt(data_keys, profiles)


def _decrypt(data_keys: Any, profiles: Any) -> None:
    for data_key in data_keys.order_by("pk"):
        whose = data_key.user_id
        master_key = master_keys.named(data_key.master_key_id)
        key = ciphers.opened(bytes(data_key.sealed), key=master_key, place=f"data key of user {whose}")
        profile = profiles.get(user_id=whose)
        bio = _opened(profile.__dict__["bio"], key, f"{BIO} of user {whose}")
        born = _opened(profile.__dict__["birth_date"], key, f"{BIRTH_DATE} of user {whose}")
        profiles.filter(pk=profile.pk).update(
            bio=None, birth_date=None, plain_bio=bio, plain_birth_date=dt.date.fromisoformat(born) if born else None
        )
    data_keys.all().delete()


def _sealed(plain: str, key: bytes, place: str) -> Sealed:
    return Sealed(ciphers.sealed(plain.encode(), key=key, place=place))


def _opened(text: Any, key: bytes, place: str) -> str:
    return ciphers.opened(text, key=key, place=place).decode() if text else ""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0006_encrypted_profile")]

    operations = [migrations.RunPython(encrypt, decrypt)]
