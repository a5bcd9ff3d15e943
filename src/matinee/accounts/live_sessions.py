"""Whom access tokens speak for, at this moment: of every request this is read, for many of them by one query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from matinee.accounts.models import User
from matinee.accounts.tokens import AccessClaims, InvalidToken, read_access_token
from matinee.catalog.cards import STANDING, STANDING_COLUMNS, Standing
from matinee.core.instants import stored, whole_seconds
from matinee.core.statements import fetched

LIVE = f"""
WITH standing AS MATERIALIZED (SELECT {STANDING_COLUMNS} FROM (SELECT 1) moment {STANDING})
SELECT session.id, session.user_id, {{began}}, person.audit_key, state.version, told.maturity_ceiling, standing.*
FROM accounts_session session JOIN accounts_user person ON person.id = session.user_id
LEFT JOIN accounts_personstate state ON state.user_id = person.id
LEFT JOIN accounts_userprofile told ON told.user_id = person.id
CROSS JOIN standing
WHERE session.id IN ({{ids}}) AND session.ended_at IS NULL AND session.expires_at > %s AND person.is_active
"""  # noqa: S608 - constants
COLUMNS = 6
"""Of a session, beside those that tell how the cards stand."""


class LiveSession(NamedTuple):
    """A session that has not ended, and whose it is: of the person the two ids alone are read, which is what nearly
    every request needs, and any other fact when it is asked for."""

    pk: int
    user: User
    state_version: int | None
    """Of the person, as this moment has it."""
    maturity_ceiling: str | None
    cards: Standing
    """Told here, since it costs no more than a moment beside who asks."""


def sessions_of(accesses: Sequence[str], *, now: dt.datetime) -> list[LiveSession | None]:
    """The session that each access token speaks for, None where it speaks for none: one indexed query for all.

    A session that has ended and an account that was switched off are refused from the next request on. So is a token
    from before its session: ids begin again after a restore, and that session was another one.
    """
    claimed = [_claims_of(access, now=now) for access in accesses]
    ids = sorted({claims.session_id for claims in claimed if claims is not None})
    if not ids:
        return [None for _ in accesses]
    as_many = 1 << (len(ids) - 1).bit_length()  # so that few statements have to be prepared
    rows = fetched(_live(as_many), [*ids, *ids[-1:] * (as_many - len(ids)), stored(now)])
    standing = Standing.told_by([row[COLUMNS:] for row in rows if row[0] == rows[0][0]]) if rows else None
    by_id = {row[0]: row[:COLUMNS] for row in rows}

    def spoken_for(claims: AccessClaims | None) -> LiveSession | None:
        if claims is None or standing is None or claims.session_id not in by_id:
            return None
        pk, user_id, began, audit_key, state_version, ceiling = by_id[claims.session_id]
        if user_id != claims.user_id or began > claims.issued_at.timestamp():
            return None
        user = User.from_db(None, ["id", "audit_key"], [user_id, audit_key])
        return LiveSession(pk, user, state_version, ceiling, standing)

    return [spoken_for(claims) for claims in claimed]


def _claims_of(access: str, *, now: dt.datetime) -> AccessClaims | None:
    try:
        return read_access_token(access, now=now)
    except InvalidToken:
        return None


@lru_cache
def _live(number: int) -> str:
    """For so many ids, then a moment."""
    return LIVE.format(began=whole_seconds("session.created_at"), ids=", ".join(["%s"] * number))
