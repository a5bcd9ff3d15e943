"""A trail that takes no event, so that tests see what becomes of the change that it would have told of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection


@contextmanager
def no_room_for_events() -> Iterator[None]:
    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO audit_event" in sql:
            raise OperationalError("no room")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield
