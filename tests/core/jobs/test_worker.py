"""A worker runs what is queued, outlives whatever a job does, and stops when told without losing one."""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from matinee.core.jobs import queue, schedule, worker
from matinee.core.jobs.models import Job, JobLease
from matinee.core.jobs.queue import Patience
from matinee.core.jobs.schedule import Periodic
from matinee.core.jobs.tasks import forget_finished_jobs
from matinee.core.jobs.worker import Worker
from tests.core.jobs import tasks

QUICK = Patience(lease=dt.timedelta(seconds=2), beat=dt.timedelta(milliseconds=20), first_pause=dt.timedelta(0))


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ran", [])
    monkeypatch.setattr(schedule, "_registered", {})
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it comes true within five seconds."""
    deadline = time.monotonic() + 5
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


def out_of_reach(*_: Any, **__: Any) -> Any:
    raise OperationalError("the database is away")


def run_all(subject: Worker) -> None:
    while subject.run_one(now=dt.datetime.now(dt.UTC)):
        pass


@pytest.mark.django_db
def test_it_runs_a_job_and_keeps_what_it_returned() -> None:
    result = tasks.note.enqueue("hello")

    run_all(Worker(queues=["default"]))

    result.refresh()
    assert result.return_value == "HELLO"


@pytest.mark.django_db
def test_a_failing_job_is_parked_after_five_tries_and_holds_up_no_other() -> None:
    tasks.fail.enqueue("again")
    tasks.note.enqueue("other")

    run_all(Worker(queues=["default"], patience=QUICK))

    assert sorted(tasks.ran) == ["again"] * 5 + ["other"]
    assert set(Job.objects.values_list("task_path", "status")) == {
        ("tests.core.jobs.tasks.fail", "FAILED"),
        ("tests.core.jobs.tasks.note", "SUCCESSFUL"),
    }


def leave() -> None:
    raise SystemExit(3)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("on_act", "cause"), [(leave, "SystemExit: 3"), (set, "TypeError")], ids=["exits", "returns what is not JSON"]
)
def test_whatever_a_job_does_is_recorded_and_the_worker_lives(
    monkeypatch: pytest.MonkeyPatch, on_act: Callable[[], Any], cause: str
) -> None:
    monkeypatch.setattr(tasks, "on_act", on_act)
    tasks.act.enqueue()

    run_all(Worker(queues=["default"], patience=Patience(tries=1)))

    job = Job.objects.get()
    assert job.status == "FAILED"
    assert cause in job.traceback


@pytest.mark.django_db
def test_a_job_whose_code_is_gone_is_parked_with_that_as_the_reason(now: dt.datetime) -> None:
    tasks.note.enqueue()
    Job.objects.update(task_path="tests.core.jobs.tasks.gone")

    run_all(Worker(queues=["default"], patience=Patience(tries=1)))

    assert Job.objects.get().exception_class_path == "builtins.ImportError"


@pytest.mark.django_db
def test_it_queues_the_periodic_tasks_of_its_own_queues(now: dt.datetime) -> None:
    hour = dt.timedelta(hours=1)
    schedule.register(Periodic("note", tasks.note, every=hour))
    schedule.register(Periodic("train", tasks.train, every=hour))

    Worker(queues=["training"]).run_one(now=now + dt.timedelta(days=10_000))

    assert tasks.ran == ["trained"]
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_long_job_keeps_its_lease_by_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait_for_a_beat() -> bool:
        first = JobLease.objects.get().expires_at
        return eventually(lambda: JobLease.objects.get().expires_at > first)

    monkeypatch.setattr(tasks, "on_act", wait_for_a_beat)
    tasks.act.enqueue()

    run_all(Worker(queues=["default"], patience=QUICK))

    assert Job.objects.get().return_value is True


@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_job_was_taken_records_nothing_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def lose_it() -> bool:
        JobLease.objects.all().delete()
        return eventually(lambda: "was taken from this worker" in caplog.text)

    monkeypatch.setattr(tasks, "on_act", lose_it)
    tasks.act.enqueue()

    run_all(Worker(queues=["default"], patience=QUICK))

    assert Job.objects.get().status == "RUNNING"
    assert "ended after it was taken from this worker" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_that_cannot_reach_the_database_tries_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "on_act", lambda: eventually(lambda: "can't be renewed just now" in caplog.text))
    monkeypatch.setattr("matinee.core.jobs.queue.renew", out_of_reach)
    tasks.act.enqueue()

    run_all(Worker(queues=["default"], patience=QUICK))

    assert Job.objects.get().return_value is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_the_running_job_and_takes_no_other(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(tasks, "on_act", lambda: os.kill(os.getpid(), number))
    tasks.act.enqueue()
    tasks.note.enqueue()
    before = signal.getsignal(number)

    Worker(queues=["default"]).run()

    assert set(Job.objects.values_list("task_path", "status")) == {
        ("tests.core.jobs.tasks.act", "SUCCESSFUL"),
        ("tests.core.jobs.tasks.note", "READY"),
    }
    assert signal.getsignal(number) == before


@pytest.mark.django_db(transaction=True)
def test_a_job_that_outlasts_the_grace_time_goes_back_to_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    def take_too_long() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)

    monkeypatch.setattr(tasks, "on_act", take_too_long)
    tasks.act.enqueue()

    Worker(queues=["default"], grace_seconds=0.05).run()

    job = Job.objects.get()
    assert (job.status, job.worker_ids) == ("READY", [])
    assert not JobLease.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_end_of_the_grace_time_interrupts_no_book_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Worker(queues=["default"], grace_seconds=0.01)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.05)
    stop = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGTERM))

    def nothing_to_do(**_: Any) -> None:
        if stop.ident is None:  # not before the worker listens for signals
            stop.start()

    monkeypatch.setattr(queue, "claim", nothing_to_do)

    subject.run()

    assert not subject.run_one(now=dt.datetime.now(dt.UTC))


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_a_database_that_is_away_and_tells_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "on_act", lambda: os.kill(os.getpid(), signal.SIGTERM))
    tasks.act.enqueue()
    claim, calls = queue.claim, []

    def away_at_first(**keywords: Any) -> JobLease | None:
        calls.append(keywords)
        return out_of_reach() if len(calls) < 4 else claim(**keywords)

    monkeypatch.setattr(queue, "claim", away_at_first)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.0)

    with caplog.at_level(logging.ERROR):
        Worker(queues=["default"]).run()

    assert [record.getMessage() for record in caplog.records] == [
        "The job queue can't be reached; trying again: the database is away"
    ]
    assert "Traceback" not in caplog.text
    assert Job.objects.get().status == "SUCCESSFUL"


@pytest.mark.django_db
def test_the_queue_tidies_up_after_itself(now: dt.datetime) -> None:
    tasks.note.enqueue()
    Job.objects.update(status="SUCCESSFUL", finished_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))

    assert forget_finished_jobs.call() == 1
    assert not Job.objects.exists()
