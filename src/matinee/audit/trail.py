"""Adding to the trail, and reading somebody's part of it."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson
from django.db import connection, models, transaction

from matinee.audit.actions import Action
from matinee.audit.models import KEY_LENGTH, Event
from matinee.core import client_network, instants, request_id
from matinee.core.statements import fetched

# Written out: every write of a person's pays for it, and composing it by the ORM takes longer than running it.
INSERT = """
INSERT INTO audit_event (at, action, actor, subject, target, changes, request_id, network)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""


class Deed(NamedTuple):
    """What is put down of one change, besides when and where from."""

    action: Action
    actor: str | None
    subject: str | None
    target: str = ""
    changes: Mapping[str, object] | None = None


def record(
    action: Action,
    *,
    actor: str | None,
    subject: str | None,
    now: dt.datetime,
    target: str = "",
    changes: Mapping[str, object] | None = None,
) -> None:
    """Add one event in the transaction of the change itself: one INSERT.

    `actor` and `subject` are audit keys, None where nobody is known. `target` is the kind of thing, a colon and its
    id. `changes` is small: numbers, switches and names of fields; never a secret, and never what a person wrote.
    """
    _in_transaction()
    fetched(INSERT, _row(Deed(action, actor, subject, target, changes), now))


def record_all(deeds: Iterable[Deed], *, now: dt.datetime) -> None:
    """As `record`, for several changes of one transaction."""
    _in_transaction()
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [_row(deed, now) for deed in deeds])


def events_of(subject: str) -> models.QuerySet[Event]:
    """What was done to one person's account and things, by themselves or by staff, newest first."""
    return Event.objects.filter(subject=subject).order_by("-id")


def new_key() -> str:
    """A key under which the trail knows somebody: random, so that it tells nothing once the account is gone."""
    return secrets.token_hex(KEY_LENGTH // 2)


def _in_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An event is recorded in the transaction of what it tells.")


def _row(deed: Deed, now: dt.datetime) -> tuple[str | dt.datetime | None, ...]:
    changes = orjson.dumps(deed.changes, option=orjson.OPT_SORT_KEYS).decode() if deed.changes else ""
    whence = request_id.current.get(), client_network.network()
    return instants.stored(now), deed.action.value, deed.actor, deed.subject, deed.target, changes, *whence
