"""What a source says, value by value, as it is stored: text cleaned, numbers in range, and None for what is unknown."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any

from django.db import models

from matinee.core.text import UnacceptableText, cleaned

ZERO_IS_UNKNOWN = frozenset({"budget", "revenue", "runtime"})
SHORTEST_PROSE = 50
"""Columns that hold less hold codes, and half a code is another one: what does not fit there is unknown."""
AN_ID = frozenset({"id", "tmdb_id"})


def stored(field: models.Field[Any, Any], value: Any) -> Any:
    """`value` as this field of a row holds it; None for what it can't hold."""
    if isinstance(field, models.IntegerField):
        largest = 2**63 - 1 if isinstance(field, models.BigIntegerField) else 2**31 - 1
        return _whole(value, smallest=1 if field.name in ZERO_IS_UNKNOWN | AN_ID else 0, largest=largest)
    for kind, read in _READERS:
        if isinstance(field, kind):
            return read(value)
    return _text(value, longest=field.max_length)


def _text(value: Any, *, longest: int | None = None) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        text = cleaned(value).strip()
    except UnacceptableText:
        return None
    is_cut_code = longest is not None and longest < SHORTEST_PROSE and len(text) > longest
    return None if is_cut_code else text[:longest] or None


def _whole(value: Any, *, smallest: int, largest: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
        return None
    return value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)


def _day(value: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _instant(value: Any) -> dt.datetime | None:
    """One that names no zone is in UTC."""
    try:
        instant = dt.datetime.fromisoformat(value)
        return instant.replace(tzinfo=instant.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _list(value: Any) -> list[Any]:
    stored_entries: list[Any] = []
    for entry in value if isinstance(value, list | tuple) else ():
        clean = _entry(entry)
        if clean is not None and clean not in stored_entries:
            stored_entries.append(clean)
    return stored_entries


def _entry(entry: Any) -> Any:
    if isinstance(entry, str):
        return _text(entry)
    if isinstance(entry, Mapping):
        return {key: _text(value) if isinstance(value, str) else value for key, value in entry.items()}
    return entry


_READERS: tuple[tuple[type[models.Field[Any, Any]], Callable[[Any], Any]], ...] = (
    (models.JSONField, _list),
    (models.BooleanField, lambda value: value is True),
    (models.DateTimeField, _instant),  # which is a DateField to Django, so that it comes first
    (models.DateField, _day),
    (models.FloatField, _number),
)
