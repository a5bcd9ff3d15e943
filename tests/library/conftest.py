"""The cast of the tests of what people do with films."""

from __future__ import annotations

import pytest

from matinee.accounts.models import User
from matinee.accounts.services import create_user
from tests.recommendations.conftest import NOW

PASSWORD = "correct horse battery staple"


@pytest.fixture
def alice(db: None) -> User:
    return create_user(email="alice@example.org", username="alice", password=PASSWORD, now=NOW)


@pytest.fixture
def bob(db: None) -> User:
    return create_user(email="bob@example.org", username="bob", password=PASSWORD, now=NOW)
