"""Verifying the trail: whether every sealed event stands where and as it was sealed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from matinee.audit import anchor
from matinee.audit.actions import Action
from matinee.audit.chain import BEGINNING, FACTS, digest_of, root_of, seed_of
from matinee.audit.models import Event

SEGMENTS = "SELECT number, size, oldest_at, newest_at, sealed_at, root, dropped_at FROM audit_segment ORDER BY number"
EVENTS = f"SELECT place, digest, {FACTS} FROM audit_event WHERE segment_id = %s ORDER BY place, id"  # noqa: S608 - of our own constants
ORPHAN = """
SELECT MIN(id) FROM audit_event
WHERE segment_id IS NOT NULL AND segment_id NOT IN (SELECT number FROM audit_segment)
"""


class Broken(Exception):
    """The trail is not what was sealed; the message names the first place."""


@dataclass
class Report:
    """What was gone through."""

    segments: int = 0
    events: int = 0
    dropped: int = 0
    """Segments whose events retention took."""
    unsealed: int = 0
    root: str = BEGINNING
    """The newest; worth keeping elsewhere."""


def verify() -> Report:
    """Go through the whole trail. Raises Broken.

    Whoever can write the database and takes the triggers off can compute a chain of their own; that is found by the
    anchor on this machine's disk, or by a root that was logged.
    """
    sealed = _anchor()
    with _one_moment():
        return _verify(sealed)


def _verify(sealed: anchor.Anchor | None) -> Report:
    report = Report(unsealed=Event.objects.filter(segment=None).count())
    for segment in _rows(SEGMENTS):
        _verify_segment(segment, report)
        if sealed is not None and sealed.number == report.segments and sealed.root != report.root:
            raise Broken(f"Segment {sealed.number} has another root than this machine sealed: the chain was made anew.")
    if sealed is not None and sealed.number > report.segments:
        raise Broken(
            f"The trail ends at segment {report.segments}, and this machine has sealed up to {sealed.number}: its end "
            "was cut off. (After a backup was restored: `matinee audit accept-restore`.)"
        )
    [(orphan,)] = _rows(ORPHAN)
    if orphan is not None:
        raise Broken(f"The segment of event {orphan} is missing.")
    if report.dropped > _told_as_dropped():
        raise Broken(f"Segment {report.dropped} was emptied, and no event of the trail says so.")
    return report


def _verify_segment(segment: Any, report: Report) -> None:
    number, size, oldest, newest, sealed, root, dropped_at = segment
    if number != report.segments + 1:
        raise Broken(f"Segment {report.segments + 1} is missing.")
    if dropped_at is not None and report.dropped < report.segments:
        raise Broken(f"Segment {number} was emptied before an older one.")
    if dropped_at is None:
        last = _verify_events(number, size, report)
        try:
            told = root_of(last, number=number, size=size, oldest=oldest, newest=newest, sealed=sealed)
        except ValueError:
            told = ""
        if told != root:
            raise Broken(f"Segment {number} is not as it was sealed.")
    report.segments, report.root = number, root
    report.events += size if dropped_at is None else 0
    report.dropped += dropped_at is not None


def _verify_events(number: int, size: int, report: Report) -> bytes:
    """The last event's digest."""
    digest, place, before = seed_of(report.root, number), 0, "the beginning"
    for place, (stands_at, sealed, *facts) in enumerate(_rows(EVENTS, number), 1):
        event = f"event {facts[0]}"
        if stands_at != place:
            is_late = isinstance(stands_at, int) and stands_at > place
            reason = "one is missing before it" if is_late else "it stands in another's place"
            raise Broken(f"Segment {number}, {event}: {reason}, after {before}.")
        try:
            digest = digest_of(digest, facts)
        except ValueError:
            digest = b""
        if sealed is None or bytes(sealed) != digest:
            raise Broken(
                f"Segment {number}, {event} is not as it was sealed, or is not the one that came after {before}."
            )
        before = event
    if place != size:
        raise Broken(
            f"Segment {number}: {size} events were sealed, {place} are there; the next after {before} is missing."
        )
    return digest


def _told_as_dropped() -> int:
    told = (
        Event.objects.filter(action=Action.SEGMENTS_DROPPED).order_by("-id").values_list("changes", flat=True).first()
    )
    return int(json.loads(told)["last"]) if told else 0


def _anchor() -> anchor.Anchor | None:
    try:
        return anchor.read()
    except ValueError as error:
        raise Broken(str(error)) from None


@contextmanager
def _one_moment() -> Iterator[None]:
    """The whole trail as it is now, however long reading takes, and without holding up a writer."""
    if connection.in_atomic_block:
        yield
        return
    level = "ISOLATION LEVEL REPEATABLE READ READ ONLY" if connection.vendor == "postgresql" else "DEFERRED"
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN {level}")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _rows(statement: str, *parameters: int) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(1_000):
            yield from rows
