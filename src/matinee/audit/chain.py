"""The chain: each event's digest covers the one before it, each segment's root its events and the root before it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from matinee.core import instants

FACTS = "id, at, action, actor, subject, target, changes, request_id, network"
"""The columns that a digest covers, in its order."""

BEGINNING = "0" * 64
"""In place of a root before the first segment."""


def seed_of(root: str, number: int) -> bytes:
    """What the first event of segment `number` is chained to: the root of the segment before."""
    return _sha256(b"matinee audit segment 1", [root, number])


def digest_of(previous: bytes, facts: Sequence[Any]) -> bytes:
    """Of an event's FACTS, as a cursor gave them. Raises ValueError for what no event of ours can hold."""
    number, at, *texts = facts
    if not all(text is None or isinstance(text, str) for text in texts):
        raise ValueError("Not text.")
    return _sha256(previous, [number, _instant(at), *texts])


def root_of(last: bytes, *, number: int, size: int, oldest: Any, newest: Any, sealed: Any) -> str:
    """Over all events of a segment and what its row says of them. Raises ValueError as `digest_of`."""
    return _sha256(last, [number, size, *(_instant(at) for at in (oldest, newest, sealed))]).hex()


def _instant(value: Any) -> str:
    """One form for what the two databases give, so that a trail can move from one to the other."""
    if not isinstance(value, str | dt.datetime):
        raise ValueError("Not an instant.")  # noqa: TRY004 - one kind of error for all that can't be
    return instants.read(value).astimezone(dt.UTC).isoformat(timespec="microseconds")


def _sha256(previous: bytes, facts: list[Any]) -> bytes:
    return hashlib.sha256(previous + json.dumps(facts, separators=(",", ":")).encode()).digest()
