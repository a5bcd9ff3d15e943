"""The database itself refuses to change the trail, whatever SQL is tried."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import Error as AnyDatabaseError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from matinee.audit.actions import Action
from matinee.audit.models import Event, Segment
from matinee.audit.trail import new_key, record
from matinee.audit.triggers import REFUSAL

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ALICE = new_key()
SEAL = "UPDATE audit_event SET segment_id = 1, place = 1, digest = NULL WHERE segment_id IS NULL"
NEW_EVENT = """
INSERT INTO audit_event (at, action, target, changes, request_id, network, segment_id)
VALUES ('2026-01-01', 'x', '', '', '', '',"""
NEW_SEGMENT = """
INSERT INTO audit_segment (number, size, oldest_at, newest_at, sealed_at, root, dropped_at)
VALUES (2, 1, '2026-01-01', '2026-01-01', '2026-01-01', '',"""


@pytest.fixture
def event(db: None) -> Event:
    with transaction.atomic():
        record(Action.RATING_GIVEN, actor=ALICE, subject=ALICE, target="movie:603", changes={"rating": 5}, now=NOW)
    return Event.objects.get()


@pytest.fixture
def segment(db: None) -> Segment:
    return Segment.objects.create(number=1, size=1, oldest_at=NOW, newest_at=NOW, sealed_at=NOW, root="00")


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def refused(statement: str) -> bool:
    try:
        run(statement)
    except AnyDatabaseError as error:
        return REFUSAL in str(error)
    return False


COLUMNS = ["at", "action", "actor", "subject", "target", "changes", "request_id", "network"]


@pytest.mark.parametrize("column", COLUMNS)
def test_no_fact_of_an_event_changes(event: Event, segment: Segment, column: str) -> None:
    other = "'2020-01-01'" if column == "at" else "'other'"

    assert refused(f"UPDATE audit_event SET {column} = {other}")
    assert refused(f"UPDATE audit_event SET {column} = {other}, segment_id = 1, place = 1")
    run(SEAL)
    assert refused(f"UPDATE audit_event SET {column} = {other}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET id = id + 1",
        "UPDATE audit_event SET actor = NULL",
        "UPDATE audit_event SET place = 7",
        "DELETE FROM audit_event",
        "DELETE FROM audit_segment",
        "UPDATE audit_segment SET root = 'ff'",
        "UPDATE audit_segment SET root = 'ff', dropped_at = sealed_at",
        "UPDATE audit_segment SET number = 2, dropped_at = sealed_at",
        f"{NEW_EVENT} 1)",
        f"{NEW_SEGMENT} '2026-01-01')",
    ],
)
def test_neither_row_is_changed_deleted_or_slipped_in(event: Event, segment: Segment, statement: str) -> None:
    assert refused(statement)

    assert list(Event.objects.values()) == list(Event.objects.filter(pk=event.pk, segment=None).values())
    assert Segment.objects.get().root == "00"


def test_a_seal_is_put_on_once_and_never_taken_off(event: Event, segment: Segment) -> None:
    run(SEAL)

    assert refused("UPDATE audit_event SET segment_id = NULL")
    assert refused("UPDATE audit_event SET place = 2")
    assert refused("UPDATE audit_event SET digest = NULL")


def test_events_go_with_a_segment_that_retention_has_marked_and_not_before(event: Event, segment: Segment) -> None:
    run(SEAL)
    kept = refused("DELETE FROM audit_event")

    run("UPDATE audit_segment SET dropped_at = sealed_at")
    run("DELETE FROM audit_event")

    assert kept
    assert not Event.objects.exists()
    assert refused("UPDATE audit_segment SET dropped_at = NULL")
    assert refused("DELETE FROM audit_segment")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a statement of SQLite alone")
def test_sqlites_replace_does_not_delete_in_silence(event: Event, segment: Segment) -> None:
    values = "'2026-01-01', 'x', '', '', '', ''"

    assert refused(
        f"REPLACE INTO audit_event (id, at, action, target, changes, request_id, network) VALUES ({event.pk}, {values})"
    )
    assert refused(
        "INSERT OR REPLACE INTO audit_segment (number, size, oldest_at, newest_at, sealed_at, root) "
        "VALUES (1, 1, '2026-01-01', '2026-01-01', '2026-01-01', '')"
    )


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a statement of PostgreSQL alone")
def test_postgresql_does_not_truncate(db: None) -> None:
    assert refused("TRUNCATE audit_event")
    assert refused("TRUNCATE audit_segment CASCADE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("back_to_the_newest_migration")
def test_the_triggers_can_be_taken_away_and_put_back() -> None:
    MigrationExecutor(connection).migrate([("audit", "0001_trail")])
    with transaction.atomic():
        record(Action.FAVORITE_ADDED, actor=ALICE, subject=ALICE, now=NOW)
    run("UPDATE audit_event SET action = 'other'")

    MigrationExecutor(connection).migrate([("audit", "0002_append_only")])

    assert refused("UPDATE audit_event SET action = 'another'")
