"""Who asks, and how the cards stand: read for a request and, by the same query, for those that wait behind it.

Beside a database server such a query is mostly going to sleep and being woken, here and there; for ten requests it
takes little more than for one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.utils import timezone

from matinee.accounts.live_sessions import LiveSession, sessions_of
from matinee.accounts.tokens import NOT_VALID, InvalidToken
from matinee.catalog.cards import Standing, read_standing
from matinee.core.waiting import READ_AHEAD, who_waits

Environ = dict[str, Any]

GOOD_FOR = 0.1
"""Seconds. A request that has waited longer since reads for itself."""


class Ahead(NamedTuple):
    """What was read for a request that waited."""

    since: float
    session: LiveSession | None
    """None where it brings no token."""
    cards: Standing


def session_for(environ: Environ, token: str) -> LiveSession:
    """The session that the token of this request speaks for. Raises InvalidToken."""
    ahead = _taken(environ)
    if ahead is not None and ahead.session is not None:
        return ahead.session
    since, waiting = time.monotonic(), who_waits()
    bring = [(other, theirs) for other in waiting if (theirs := bearer_of(other)) is not None]
    session, *sessions = sessions_of([token, *(theirs for _, theirs in bring)], now=timezone.now())
    for (other, _), found in zip(bring, sessions, strict=True):
        if found is not None:
            _tell(other, Ahead(since, found, found.cards))
    if session is None:
        raise InvalidToken(NOT_VALID)
    _tell_who_brings_none(waiting, since, session.cards)
    return session


def standing_told(environ: Environ) -> Standing | None:
    """How the cards stand, where that was read for this request while it waited."""
    ahead = _taken(environ)
    return None if ahead is None else ahead.cards


def standing_read() -> Standing:
    """How the cards stand: one query, or none while nothing is published."""
    since, waiting = time.monotonic(), who_waits()
    standing = read_standing()
    _tell_who_brings_none(waiting, since, standing)
    return standing


def bearer_of(environ: Environ) -> str | None:
    """The access token that a request brings, if it does."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _taken(environ: Environ) -> Ahead | None:
    """Once alone: what another thread may still tell, once the request has begun, is too old for what it changes."""
    told: list[Ahead] = environ.pop(READ_AHEAD, [])
    return told[0] if told and time.monotonic() - told[0].since < GOOD_FOR else None


def _tell(other: Environ, ahead: Ahead) -> None:
    other.get(READ_AHEAD, [])[:] = [ahead]  # no new key: its own thread may be reading the others


def _tell_who_brings_none(waiting: Iterable[Environ], since: float, cards: Standing) -> None:
    for other in waiting:
        if "HTTP_AUTHORIZATION" not in other:
            _tell(other, Ahead(since, None, cards))
