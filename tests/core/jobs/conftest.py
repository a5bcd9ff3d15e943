"""An empty queue and the clock that the tests of jobs share."""

from __future__ import annotations

import datetime as dt

import pytest


@pytest.fixture
def now() -> dt.datetime:
    return dt.datetime(2030, 5, 17, 12, 0, tzinfo=dt.UTC)
