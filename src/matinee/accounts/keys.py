"""Changing the master key while the service runs."""

from __future__ import annotations

import datetime as dt
import secrets

from django.conf import settings
from django.db import transaction

from matinee.accounts import master_keys
from matinee.accounts.models import DataKey
from matinee.audit.actions import Action
from matinee.audit.trail import record

AT_ONCE = 100
"""Rows a transaction, which on SQLite holds up every writer."""


def rotate(*, now: dt.datetime) -> int:
    """Seal every data key under the newest master key, first making one where the instance keeps its own; returns how
    many were sealed anew. Stopped on the way, it goes on where it was; nobody who reads or writes notices.

    What is encrypted stays as it is, since the data keys stay. Raises Unreadable where a master key is lost.
    """
    if not settings.ENCRYPTION_KEYS and not _is_under_way():
        master_keys.add_own(secrets.token_urlsafe(48))
    sealed = 0
    while some := _seal_some():
        sealed += some
    with transaction.atomic():
        changes = {"master_key": master_keys.newest()[0], "data_keys": sealed}
        record(Action.KEYS_ROTATED, actor=None, subject=None, changes=changes, now=now)
    return sealed


def lost() -> list[str]:
    """The ids of master keys under which data keys are, and which are not configured."""
    return sorted(_in_use() - set(master_keys.ids()))


def _in_use() -> set[str]:
    return set(DataKey.objects.values_list("master_key_id", flat=True).distinct())


def _is_under_way() -> bool:
    """Whether an earlier rotation ended early: its key wraps some data keys already, and another some."""
    newest, _ = master_keys.newest()
    held = _in_use()
    return newest in held and len(held) > 1


@transaction.atomic
def _seal_some() -> int:
    newest, _ = master_keys.newest()
    old = DataKey.objects.select_for_update().exclude(master_key_id=newest).order_by("user")[:AT_ONCE]
    keys = list(old)
    for key in keys:
        key.seal(key.opened())
        key.save(update_fields=["sealed", "master_key_id"])
    return len(keys)
