"""The cast: alice and bob, who registered at NOW."""

from __future__ import annotations

import datetime as dt

import pytest

from matinee.accounts.models import User
from matinee.accounts.services import create_user

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PASSWORD = "correct horse battery staple"


@pytest.fixture
def alice(db: None) -> User:
    return create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)


@pytest.fixture
def bob(db: None) -> User:
    return create_user(email="bob@example.org", username="bob", password=PASSWORD, now=NOW)
