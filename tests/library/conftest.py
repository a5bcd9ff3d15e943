"""The cast of the tests of what people do with films."""

from __future__ import annotations

from tests.accounts.conftest import alice, bob  # noqa: F401 - fixtures, which pytest looks for in here
