"""Instants in statements that are written out: SQLite keeps them as text in UTC, PostgreSQL as what they are."""

from __future__ import annotations

import datetime as dt

from django.db import connection


def stored(instant: dt.datetime) -> str | dt.datetime:
    """`instant` as a parameter of a statement."""
    return connection.ops.adapt_datetimefield_value(instant) or instant


def read(value: str | dt.datetime) -> dt.datetime:
    """The instant in a row that a cursor gave: text, or without a zone, it is one of SQLite's."""
    instant = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=dt.UTC)


def whole_seconds(column: str) -> str:
    """The expression of a column's seconds since 1970, rounded down, which drivers read sooner than an instant."""
    if connection.vendor == "postgresql":
        return f"floor(date_part('epoch', {column}))::bigint"
    return f"CAST(strftime('%%s', substr({column}, 1, 19)) AS integer)"  # SQLite 3.40 would round what is cut off
