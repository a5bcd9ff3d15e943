"""Programs of two layouts beside each other: each queues its own jobs, and takes none of the other's."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django_tasks_db.models import DBTaskResult

from matinee.core.jobs import queue, schedule
from matinee.core.jobs.models import Schedule
from matinee.core.jobs.schedule import Periodic, register, registered, with_parts
from matinee.core.jobs.worker import Worker
from tests.core.jobs import tasks

pytestmark = pytest.mark.django_db

OURS, THEIRS = (
    Periodic("note", tasks.note.using(queue_name=f"default:things-{layout}"), every=dt.timedelta(minutes=1))
    for layout in (1, 2)
)


@pytest.fixture(autouse=True)
def our_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_registered", {})
    register(OURS)


def run_all(now: dt.datetime) -> None:
    while Worker(queues=["default"]).run_one(now=now):
        pass


def test_a_worker_leaves_what_the_other_program_has_queued(now: dt.datetime) -> None:
    schedule.enqueue_due([THEIRS], now=now)
    tasks.act.enqueue()

    run_all(now)

    states = dict(DBTaskResult.objects.values_list("queue_name", "status"))
    assert states == {"default:things-2": "READY", "default:things-1": "SUCCESSFUL", "default": "SUCCESSFUL"}


def test_each_has_its_own_time_and_waits_for_its_own_job_alone(now: dt.datetime) -> None:
    assert schedule.enqueue_due([THEIRS], now=now) == ["note"]
    assert schedule.enqueue_due([OURS], now=now) == ["note"]
    assert schedule.enqueue_due([OURS], now=now + dt.timedelta(minutes=1)) == []

    assert {*Schedule.objects.values_list("name", flat=True)} == {"note:things-1", "note:things-2"}


def test_what_waits_in_a_queue_waits_in_its_parts_too(now: dt.datetime) -> None:
    schedule.enqueue_due([OURS, THEIRS], now=now)

    assert with_parts(["default"]) == {"default", "default:things-1"}
    assert with_parts(["training"]) == {"training"}
    assert queue.ready(queues=with_parts(settings.QUEUES), now=now).count() == 1


def test_what_waits_for_a_program_that_is_gone_is_forgotten() -> None:
    queued_at = dt.datetime.now(dt.UTC)
    schedule.enqueue_due([THEIRS], now=queued_at)
    tasks.note.enqueue("waiting")

    assert queue.forget_finished(now=queued_at + dt.timedelta(days=29)) == 0
    assert queue.forget_finished(now=queued_at + dt.timedelta(days=31)) == 1
    assert DBTaskResult.objects.get().queue_name == "default"


def test_a_queue_that_no_worker_serves_is_refused() -> None:
    with pytest.raises(ValueError, match="No worker serves the queue defualt:things-1 of lost"):
        register(Periodic("lost", tasks.note.using(queue_name="defualt:things-1"), every=dt.timedelta(minutes=1)))

    assert [periodic.name for periodic in registered()] == ["note"]
