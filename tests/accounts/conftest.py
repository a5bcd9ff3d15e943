"""The cast: alice and bob, who registered at NOW."""

from __future__ import annotations

import datetime as dt

import pytest

from matinee.accounts.live_sessions import LiveSession, sessions_of
from matinee.accounts.models import User
from matinee.accounts.services import create_user

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PASSWORD = "correct horse battery staple"


def session_of(*, access: str, now: dt.datetime) -> LiveSession:
    """The session that an access token speaks for, which there must be."""
    [session] = sessions_of([access], now=now)
    assert session is not None
    return session


def is_good(access: str, *, now: dt.datetime) -> bool:
    return sessions_of([access], now=now) != [None]


@pytest.fixture
def alice(db: None) -> User:
    return create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)


@pytest.fixture
def bob(db: None) -> User:
    return create_user(email="bob@example.org", username="bob", password=PASSWORD, now=NOW)
