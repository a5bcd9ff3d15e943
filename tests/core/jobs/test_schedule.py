"""Periodic tasks are queued when they are due, once, and never on top of one another."""

from __future__ import annotations

import datetime as dt
import logging
import threading

import pytest
from django.db import connection
from django_tasks_db.models import DBTaskResult

from matinee.core.jobs import schedule
from matinee.core.jobs.models import JobLease, Schedule
from matinee.core.jobs.schedule import Periodic, enqueue_due, register, registered
from tests.core.jobs import tasks

MINUTE = dt.timedelta(minutes=1)
EVERY_MINUTE = Periodic("note-each-minute", tasks.note, every=MINUTE)


@pytest.fixture
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_registered", {})


def finish_all() -> None:
    DBTaskResult.objects.update(status="SUCCESSFUL")
    JobLease.objects.all().delete()


@pytest.mark.django_db
def test_a_new_periodic_task_is_due_at_once(now: dt.datetime) -> None:
    names = enqueue_due([EVERY_MINUTE], now=now)

    assert names == ["note-each-minute"]
    assert DBTaskResult.objects.get().task_path == "tests.core.jobs.tasks.note"
    assert Schedule.objects.get().next_run_at == now + MINUTE


@pytest.mark.django_db
def test_one_that_is_not_due_at_first_begins_after_its_time(now: dt.datetime) -> None:
    later = Periodic("note-later", tasks.note, every=MINUTE, is_due_at_first=False)

    assert enqueue_due([later], now=now) == []
    assert enqueue_due([later], now=now + MINUTE - dt.timedelta(seconds=1)) == []
    assert enqueue_due([later], now=now + MINUTE) == ["note-later"]
    assert Schedule.objects.get().next_run_at == now + 2 * MINUTE


@pytest.mark.django_db
def test_it_is_not_queued_again_before_its_time(now: dt.datetime) -> None:
    enqueue_due([EVERY_MINUTE], now=now)
    finish_all()

    assert enqueue_due([EVERY_MINUTE], now=now + MINUTE - dt.timedelta(seconds=1)) == []
    assert enqueue_due([EVERY_MINUTE], now=now + MINUTE) == ["note-each-minute"]


@pytest.mark.django_db
def test_it_waits_while_the_last_one_is_still_queued(now: dt.datetime) -> None:
    enqueue_due([EVERY_MINUTE], now=now)

    assert enqueue_due([EVERY_MINUTE], now=now + MINUTE) == []
    assert DBTaskResult.objects.count() == 1


@pytest.mark.django_db
def test_it_waits_while_the_last_one_is_running_and_is_queued_as_soon_as_that_ends(now: dt.datetime) -> None:
    enqueue_due([EVERY_MINUTE], now=now)
    DBTaskResult.objects.update(status="RUNNING")
    JobLease.objects.create(job=DBTaskResult.objects.get(), worker_id="w1", attempt=1, expires_at=now)

    assert enqueue_due([EVERY_MINUTE], now=now + MINUTE) == []

    finish_all()
    assert enqueue_due([EVERY_MINUTE], now=now + MINUTE) == ["note-each-minute"]


@pytest.mark.django_db
def test_a_condition_that_says_no_leaves_it_due_and_writes_nothing(now: dt.datetime) -> None:
    wanted = False
    periodic = Periodic("when-stale", tasks.note, every=dt.timedelta(seconds=1), when=lambda: wanted)
    enqueue_due([periodic], now=now)
    before = Schedule.objects.get().next_run_at

    later = now + dt.timedelta(seconds=5)
    assert enqueue_due([periodic], now=later) == []
    assert Schedule.objects.get().next_run_at == before

    wanted = True
    assert enqueue_due([periodic], now=later) == ["when-stale"]


@pytest.mark.django_db
def test_a_condition_that_fails_is_logged_and_holds_up_no_other(
    now: dt.datetime, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> bool:
        raise OSError("the disk is away")

    failing = Periodic("broken", tasks.note, every=MINUTE, when=broken)
    other = Periodic("other", tasks.train, every=MINUTE)

    with caplog.at_level(logging.ERROR):
        assert enqueue_due([failing, other], now=now) == ["other"]

    assert "broken" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_ask_at_once_one_queues_it(now: dt.datetime) -> None:
    enqueue_due([EVERY_MINUTE], now=now)
    finish_all()
    all_ready = threading.Barrier(6)
    winners: list[str] = []

    def ask() -> None:
        all_ready.wait()
        winners.extend(enqueue_due([EVERY_MINUTE], now=now + MINUTE))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert winners == ["note-each-minute"]
    assert DBTaskResult.objects.filter(status="READY").count() == 1


@pytest.mark.usefixtures("_own_registry")
def test_registering_the_same_task_twice_is_harmless_but_a_name_belongs_to_one() -> None:
    register(EVERY_MINUTE)
    register(EVERY_MINUTE)

    assert registered() == (EVERY_MINUTE,)
    with pytest.raises(ValueError, match="note-each-minute"):
        register(Periodic("note-each-minute", tasks.fail, every=MINUTE))
