"""Whatever is done to a sealed trail with the triggers taken off, verifying names the place."""

from __future__ import annotations

import datetime as dt
import random
import threading
from functools import partial
from typing import cast

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from pytest_django.fixtures import Settings

from matinee.audit import anchor, sealing, triggers
from matinee.audit.actions import Action
from matinee.audit.models import Event, Segment
from matinee.audit.retention import drop_expired
from matinee.audit.sealing import has_unsealed, seal
from matinee.audit.trail import new_key, record
from matinee.audit.verifying import Broken, verify
from tests.at_once import at_once

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ALICE = new_key()
SEGMENTS, SIZE = 4, 5

pytestmark = pytest.mark.django_db


class Editor:
    """What the triggers are taken off and put back with; unlike Django's, within a transaction of SQLite, too."""

    connection = connection

    def execute(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)


EDITOR = cast("BaseDatabaseSchemaEditor", Editor())


@pytest.fixture(autouse=True)
def _a_disk_of_its_own(settings: Settings, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(sealing, "UNSEALED", sealing.UNSEALED.replace(str(sealing.MOST_IN_A_SEGMENT), str(SIZE)))


def act(number: int, *, at: dt.datetime = NOW) -> None:
    with transaction.atomic():
        record(
            Action.RATING_CHANGED,
            actor=ALICE,
            subject=ALICE,
            target=f"movie:{number}",
            changes={"rating": number % 5 + 1},
            now=at + number * dt.timedelta(milliseconds=1),
        )


@pytest.fixture
def sealed() -> list[int]:
    """The ids of twenty events in four segments, in the order of the chain."""
    for number in range(SEGMENTS * SIZE):
        act(number)
    assert seal(now=NOW) == SEGMENTS * SIZE
    return list(Event.objects.order_by("segment", "place").values_list("id", flat=True))


def tamper(*statements: str) -> None:
    """Run SQL as somebody who may do anything with the database."""
    triggers.remove(apps, EDITOR)
    for statement in statements:
        EDITOR.execute(statement)
    triggers.install(apps, EDITOR)


def broken() -> str:
    with pytest.raises(Broken) as found:
        verify()
    return str(found.value)


def test_a_whole_trail_is_told_with_what_is_not_sealed_yet(sealed: list[int]) -> None:
    act(20)

    report = verify()

    assert (report.segments, report.events, report.dropped, report.unsealed) == (SEGMENTS, SEGMENTS * SIZE, 0, 1)
    assert report.root == Segment.objects.get(number=SEGMENTS).root


def test_a_trail_of_which_nothing_is_sealed_yet_is_whole() -> None:
    act(1)

    assert (verify().segments, verify().unsealed) == (0, 1)


def test_an_empty_trail_is_whole() -> None:
    assert not has_unsealed()
    assert seal(now=NOW) == 0
    assert verify().segments == 0


FACTS = ["action", "actor", "subject", "target", "changes", "request_id", "network"]


@pytest.mark.parametrize("column", FACTS)
def test_a_changed_fact_is_found_in_whichever_event(sealed: list[int], column: str) -> None:
    victim = random.Random(column).choice(sealed)

    tamper(f"UPDATE audit_event SET {column} = 'other' WHERE id = {victim}")

    assert f"event {victim} is not as it was sealed" in broken()


def test_a_moved_instant_is_found_and_one_that_is_none(sealed: list[int]) -> None:
    tamper(f"UPDATE audit_event SET at = '2020-01-01 00:00:00' WHERE id = {sealed[7]}")
    moved = broken()
    if connection.vendor == "sqlite":
        tamper(f"UPDATE audit_event SET at = 'yesterday', target = x'00' WHERE id = {sealed[3]}")

    assert f"event {sealed[7]} " in moved
    assert connection.vendor != "sqlite" or f"event {sealed[3]} " in broken()


@pytest.mark.parametrize("place", range(SEGMENTS * SIZE))
def test_a_deleted_event_is_missed_wherever_it_stood(sealed: list[int], place: int) -> None:
    tamper(f"DELETE FROM audit_event WHERE id = {sealed[place]}")

    told = broken()
    is_last = place % SIZE == SIZE - 1
    assert f"Segment {place // SIZE + 1}" in told
    assert ("the next after" in told) if is_last else (f"event {sealed[place + 1]}: one is missing before it" in told)


@pytest.mark.parametrize("seed", range(5))
def test_two_events_that_change_places_are_found(sealed: list[int], seed: int) -> None:
    one, other = sorted(random.Random(seed).sample(range(SEGMENTS * SIZE), 2))
    facts = ", ".join(
        f"{column} = (SELECT {column} FROM audit_event AS there WHERE there.id = "
        f"CASE audit_event.id WHEN {sealed[one]} THEN {sealed[other]} ELSE {sealed[one]} END)"
        for column in ("at", "target", "changes")
    )

    tamper(f"UPDATE audit_event SET {facts} WHERE id IN ({sealed[one]}, {sealed[other]})")

    assert f"event {sealed[one]} is not as it was sealed" in broken()


def test_two_seals_that_change_places_are_found(sealed: list[int]) -> None:
    tamper(f"UPDATE audit_event SET place = 5 - place + 1 WHERE segment_id = 2 AND id IN ({sealed[5]}, {sealed[9]})")

    assert f"event {sealed[9]} is not as it was sealed" in broken()


def test_an_event_that_was_slipped_in_is_found(sealed: list[int]) -> None:
    act(99)
    newest = Event.objects.latest("id").pk

    tamper(f"UPDATE audit_event SET segment_id = 2, place = 3 WHERE id = {newest}")

    assert f"event {newest}: it stands in another's place" in broken()


def test_an_end_that_was_cut_off_is_found(sealed: list[int]) -> None:
    tamper("DELETE FROM audit_event WHERE segment_id = 4")
    events_alone = broken()
    tamper("DELETE FROM audit_segment WHERE number = 4")
    segment_too = broken()
    tamper("DELETE FROM audit_event", "DELETE FROM audit_segment")

    assert "0 are there" in events_alone
    assert "its end was cut off" in segment_too
    assert "The trail ends at segment 0, and this machine has sealed up to 4" in broken()


def test_a_missing_beginning_or_middle_is_found(sealed: list[int]) -> None:
    tamper("DELETE FROM audit_event WHERE segment_id = 2", "DELETE FROM audit_segment WHERE number = 2")

    assert "Segment 2 is missing." in broken()


@pytest.mark.django_db(transaction=True)
def test_events_whose_segment_is_gone_are_found(sealed: list[int], settings: Settings) -> None:
    off, on = "PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"
    if connection.vendor == "postgresql":
        off, on = (f"ALTER TABLE audit_segment {does} TRIGGER ALL" for does in ("DISABLE", "ENABLE"))
    tamper(off, "DELETE FROM audit_segment WHERE number = 4", on)
    (settings.DATA_DIR / "audit-anchor").unlink()

    told = broken()
    tamper("DELETE FROM audit_event WHERE segment_id = 4")  # which no database would let stand

    assert f"The segment of event {sealed[15]} is missing." in told


@pytest.mark.parametrize("column", ["size = 6", "oldest_at = '2020-01-01'", "sealed_at = '2020-01-01'", "root = 'ff'"])
def test_a_segment_that_tells_otherwise_is_found(sealed: list[int], column: str) -> None:
    tamper(f"UPDATE audit_segment SET {column} WHERE number = 3")

    assert "Segment 3" in broken()


def test_a_chain_that_was_made_anew_is_found_by_the_anchor(sealed: list[int], settings: Settings) -> None:
    tamper(
        "UPDATE audit_event SET segment_id = NULL, place = NULL, digest = NULL",
        "DELETE FROM audit_segment",
        "UPDATE audit_event SET actor = NULL",
    )

    seal(now=NOW + DAY)

    assert "Segment 4 has another root than this machine sealed" in broken()
    (settings.DATA_DIR / "audit-anchor").unlink()
    assert verify().segments == SEGMENTS


def test_what_is_sealed_later_does_not_hide_that_an_end_was_cut_off(
    sealed: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    tamper("DELETE FROM audit_event WHERE segment_id > 2", "DELETE FROM audit_segment WHERE number > 2")
    told = []
    for number in range(3):
        act(number)
        seal(now=NOW)
        told.append(broken())

    assert "its end was cut off" in told[0]
    assert "Segment 4 has another root" in told[1]
    assert told[1] == told[2]
    assert "does not hold segment 4 with root" in caplog.text


def test_who_is_slower_to_tell_what_it_sealed_does_not_take_the_anchor_back(sealed: list[int]) -> None:
    newest = anchor.read()

    anchor.write(Segment.objects.get(number=3))

    assert newest is not None
    assert newest == anchor.read()
    assert newest.number == 4


@pytest.mark.django_db(transaction=True)
def test_of_several_who_tell_at_once_what_they_sealed_the_newest_stays(sealed: list[int]) -> None:
    segments = [*Segment.objects.all()]
    for _ in range(30):
        at_once(*[partial(anchor.write, segment) for segment in segments])

        newest = anchor.read()
        assert newest is not None
        assert newest.number == SEGMENTS


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")
@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_is_sealed_late_whatever_its_id(sealed: list[int]) -> None:
    written, may_commit = threading.Event(), threading.Event()

    def commit_late() -> None:
        try:
            with transaction.atomic():
                act(20)
                written.set()
                may_commit.wait(timeout=30)
        finally:
            connection.close()

    late = threading.Thread(target=commit_late)
    late.start()
    written.wait(timeout=30)
    act(21)
    seal(now=NOW)
    may_commit.set()
    late.join()
    seal(now=NOW)

    chain = Event.objects.filter(segment__gt=SEGMENTS).order_by("segment", "place")
    assert [event.target for event in chain] == ["movie:21", "movie:20"]
    assert [event.target for event in chain.order_by("id")] == ["movie:20", "movie:21"]
    assert verify().unsealed == 0


@pytest.mark.django_db(transaction=True)
def test_of_several_who_seal_at_once_each_event_is_sealed_once(sealed: list[int]) -> None:
    for number in range(40):
        act(number)

    results = at_once(*[lambda: seal(now=NOW)] * 4)

    assert sum(result for result in results if isinstance(result, int)) <= 40
    seal(now=NOW)
    report = verify()
    assert (report.events, report.unsealed) == (SEGMENTS * SIZE + 40, 0)


@pytest.mark.django_db(transaction=True)
def test_writers_go_on_while_the_trail_is_sealed_and_verified(sealed: list[int]) -> None:
    def write() -> int:
        for number in range(30):
            act(number)
        return 30

    def seal_and_verify() -> int:
        for _ in range(6):
            seal(now=NOW)
            verify()
        return 0

    results = at_once(write, write, write, seal_and_verify)
    seal(now=NOW)

    assert results == [30, 30, 30, 0]
    assert verify().events == SEGMENTS * SIZE + 90


def test_retention_drops_whole_segments_and_keeps_their_roots(sealed: list[int], settings: Settings) -> None:
    settings.AUDIT_RETENTION = 30 * DAY
    act(50, at=NOW + 31 * DAY)
    seal(now=NOW + 31 * DAY)
    roots = list(Segment.objects.order_by("number").values_list("root", flat=True))

    early = drop_expired(now=NOW + 30 * DAY)
    dropped = drop_expired(now=NOW + 31 * DAY)
    seal(now=NOW + 31 * DAY)

    report = verify()
    assert (early, dropped) == (0, SEGMENTS)
    assert (report.segments, report.dropped, report.events) == (SEGMENTS + 2, SEGMENTS, 2)
    assert list(Segment.objects.order_by("number").values_list("root", flat=True))[: SEGMENTS + 1] == roots
    assert Event.objects.latest("id").changed == {"first": 1, "last": SEGMENTS}


def test_without_a_retention_all_is_kept(sealed: list[int], settings: Settings) -> None:
    settings.AUDIT_RETENTION = None

    assert drop_expired(now=NOW + 10_000 * DAY) == 0
    assert verify().events == SEGMENTS * SIZE


def test_a_segment_that_was_emptied_in_silence_is_found(sealed: list[int]) -> None:
    """The triggers let whoever marks a segment delete its events; the trail has to tell of it."""
    Segment.objects.filter(number=1).update(dropped_at=NOW)
    Event.objects.filter(segment=1).delete()
    first = broken()
    Segment.objects.filter(number=3).update(dropped_at=NOW)

    assert "Segment 1 was emptied, and no event of the trail says so." in first
    assert "Segment 3 was emptied before an older one." in broken()


def test_the_command_tells_by_its_exit_code(sealed: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit", "verify")
    whole = capsys.readouterr().out
    tamper(f"UPDATE audit_event SET actor = NULL WHERE id = {sealed[0]}")

    with pytest.raises(CommandError, match=f"event {sealed[0]} is not as it was sealed") as found:
        call_command("audit", "verify")

    assert "The trail is whole: 20 events in 4 segments, 0 older segments dropped, 0 events not sealed yet." in whole
    assert found.value.returncode == 65


def test_a_restored_backup_is_accepted_and_the_trail_says_so(sealed: list[int]) -> None:
    tamper("DELETE FROM audit_event WHERE segment_id = 4", "DELETE FROM audit_segment WHERE number = 4")
    before = broken()

    call_command("audit", "accept-restore")
    seal(now=NOW)

    assert "accept-restore" in before
    assert (verify().segments, verify().unsealed) == (4, 0)
    assert Event.objects.latest("id").action == "restore_accepted"


def test_a_damaged_anchor_is_told(sealed: list[int], settings: Settings) -> None:
    for content in (b"", b"[1]", b"{", b"null", b'["x", "y"]'):
        (settings.DATA_DIR / "audit-anchor").write_bytes(content)

        assert broken()

    act(50)
    seal(now=NOW)
    assert broken(), "what is sealed later does not hide it"
