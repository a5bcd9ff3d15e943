"""Facts about a film on their way into the catalogue: the one place where a blank becomes unknown, and unknown is None.

A source hands over plain values under the names of Movie's fields, and only for what it knows about.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import models, transaction

from matinee.catalog.models import Movie
from matinee.core.text import UnacceptableText, cleaned

Facts: TypeAlias = Mapping[str, Any]
"""Stored values by field of Movie, `tmdb_id` and `title` always among them."""

ZERO_IS_UNKNOWN = frozenset({"budget", "revenue", "runtime"})
BATCH = 500


class UnusableFacts(ValueError):
    """What a source says about a film lacks an id or a title; the message says which."""


@dataclass(frozen=True)
class StoreReport:
    """How many films were new, gained or changed a fact, or were known just so."""

    added: int
    changed: int
    unchanged: int


def known_facts(raw: Mapping[str, Any]) -> Facts:
    """`raw` as it is stored: text cleaned, numbers and days in range, unknown None, lists without blanks or repeats.

    Raises UnusableFacts where the TMDb id or the title is missing.
    """
    facts = {name: _stored(name, value) for name, value in raw.items()}
    if not facts.get("tmdb_id"):
        raise UnusableFacts(f"A film needs a positive TMDb id, not {raw.get('tmdb_id')!r}.")
    if not facts.get("title"):
        raise UnusableFacts(f"Film {facts['tmdb_id']} has no title.")
    if "vote_average" in facts and not facts.get("vote_count"):
        facts["vote_average"] = None
    return facts


def blanks_filled(movie: Movie, facts: Facts) -> dict[str, Any]:
    """The facts that `movie` lacks. A vote average comes with its count or not at all."""
    fills = {name: value for name, value in facts.items() if _is_blank(getattr(movie, name)) and not _is_blank(value)}
    if "vote_average" in fills and "vote_count" not in fills and movie.vote_count != facts["vote_count"]:
        del fills["vote_average"]
    return fills


def differences(movie: Movie, facts: Facts) -> dict[str, Any]:
    """The facts that are not what `movie` holds."""
    return {name: value for name, value in facts.items() if getattr(movie, name) != value}


@transaction.atomic
def store_facts(
    films: Sequence[Facts],
    *,
    choose: Callable[[Movie, Facts], dict[str, Any]],
    now: dt.datetime,
    on_progress: Callable[[int], None] = lambda _: None,
) -> StoreReport:
    """Add the films that are new; of those that are there, write what `choose` picks and leave the rest untouched.

    One transaction, a fixed number of statements a batch. `on_progress` is told the films done since its last call.
    """
    added = changed = 0
    for start in range(0, len(films), BATCH):
        batch = {facts["tmdb_id"]: facts for facts in films[start : start + BATCH]}
        there = {movie.tmdb_id: movie for movie in Movie.objects.select_for_update().filter(tmdb_id__in=batch)}
        new = [Movie(**facts, created_at=now, updated_at=now) for id_, facts in batch.items() if id_ not in there]
        Movie.objects.bulk_create(new, ignore_conflicts=True)  # another load at this moment brings the same film
        added += len(new)
        changed += _write_changes({movie: choose(movie, batch[id_]) for id_, movie in there.items()}, now=now)
        on_progress(len(batch))
    return StoreReport(added=added, changed=changed, unchanged=len(films) - added - changed)


def _write_changes(changes: Mapping[Movie, dict[str, Any]], *, now: dt.datetime) -> int:
    touched = [movie for movie, values in changes.items() if values]
    for movie in touched:
        for name, value in changes[movie].items():
            setattr(movie, name, value)
        movie.updated_at = now
    names = {name for movie in touched for name in changes[movie]}
    if touched:
        Movie.objects.bulk_update(touched, [*sorted(names), "updated_at"], batch_size=100)
    return len(touched)


def _is_blank(value: Any) -> bool:
    return value is None or value in ("", [])


def _stored(name: str, value: Any) -> Any:
    field = Movie._meta.get_field(name)  # noqa: SLF001 - Django's public name for it
    if isinstance(field, models.JSONField):
        return _list(value)
    if isinstance(field, models.DateField):
        return _day(value)
    if isinstance(field, models.FloatField):
        return _number(value)
    if isinstance(field, models.IntegerField):
        largest = 2**63 - 1 if isinstance(field, models.BigIntegerField) else 2**31 - 1
        return _whole(value, smallest=1 if name in ZERO_IS_UNKNOWN or name == "tmdb_id" else 0, largest=largest)
    return _text(value, longest=getattr(field, "max_length", None))


def _text(value: Any, *, longest: int | None = None) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return cleaned(value).strip()[:longest] or None
    except UnacceptableText:
        return None


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


def _list(value: Any) -> list[Any]:
    stored: list[Any] = []
    for entry in value or []:
        clean = _entry(entry)
        if clean is not None and clean not in stored:
            stored.append(clean)
    return stored


def _entry(entry: Any) -> Any:
    if isinstance(entry, str):
        return _text(entry)
    if isinstance(entry, dict):
        return {key: _text(value) if isinstance(value, str) else value for key, value in entry.items()}
    return entry
