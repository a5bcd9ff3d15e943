"""A job is held by one worker at a time, ends once, is tried five times, and is never lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from matinee.core.jobs import queue
from matinee.core.jobs.models import Job, JobLease
from matinee.core.jobs.queue import LeaseLost, Patience
from tests.at_once import at_once
from tests.core.jobs import tasks

PATIENCE = Patience()
SECOND = dt.timedelta(seconds=1)


def take(now: dt.datetime, *, worker: str = "alice", queues: tuple[str, ...] = ("default",)) -> JobLease:
    lease = queue.claim(queues=queues, worker_id=worker, patience=PATIENCE, now=now)
    assert lease is not None
    return lease


def nothing_to_take(now: dt.datetime) -> bool:
    return queue.claim(queues=["default"], worker_id="bob", patience=PATIENCE, now=now) is None


@pytest.mark.django_db
def test_a_claimed_job_runs_under_a_lease_and_no_other_worker_gets_it(now: dt.datetime) -> None:
    tasks.note.enqueue()

    lease = take(now)

    assert (lease.attempt, lease.worker_id, lease.expires_at) == (1, "alice", now + PATIENCE.lease)
    assert Job.objects.get().status == "RUNNING"
    assert nothing_to_take(now)


@pytest.mark.django_db
def test_a_worker_takes_only_from_its_queues_and_only_what_is_due(now: dt.datetime) -> None:
    tasks.train.enqueue()
    tasks.note.using(run_after=now + SECOND).enqueue()

    assert nothing_to_take(now)
    assert take(now + SECOND).job.task_path == "tests.core.jobs.tasks.note"
    assert take(now, queues=("training",)).job.task_path == "tests.core.jobs.tasks.train"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_want_a_job_one_gets_it(now: dt.datetime) -> None:
    def claim() -> object:
        return queue.claim(queues=["default"], worker_id="anyone", patience=PATIENCE, now=now)

    for _ in range(3):
        tasks.note.enqueue()

        outcomes = at_once(*[claim] * 6)

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["JobLease", *["NoneType"] * 5]


@pytest.mark.django_db
def test_what_a_job_returned_is_recorded(now: dt.datetime) -> None:
    result = tasks.note.enqueue()

    queue.succeed(take(now), "DONE", now=now + SECOND)

    result.refresh()
    assert (result.return_value, result.finished_at) == ("DONE", now + SECOND)
    assert not JobLease.objects.exists()


@pytest.mark.django_db
def test_a_failed_job_is_tried_again_after_pauses_that_double_and_is_parked_after_the_fifth(now: dt.datetime) -> None:
    tasks.fail.enqueue()
    pauses = []

    for _ in range(4):
        queue.fail(take(now), RuntimeError("no luck"), patience=PATIENCE, now=now)
        job = Job.objects.get()
        assert job.status == "READY"
        assert nothing_to_take(job.run_after - SECOND / 1000)
        pauses.append((job.run_after - now).total_seconds())
        now = job.run_after
    queue.fail(take(now), RuntimeError("no luck"), patience=PATIENCE, now=now)

    job = Job.objects.get()
    assert all(half <= pause <= 2 * half for pause, half in zip(pauses, (2.5, 5, 10, 20), strict=True))
    assert (job.status, job.finished_at, len(job.worker_ids)) == ("FAILED", now, 5)
    assert job.exception_class_path == "builtins.RuntimeError"
    assert "no luck" in job.traceback


@pytest.mark.django_db
def test_an_error_that_quotes_what_postgresql_cannot_store_is_recorded_all_the_same(now: dt.datetime) -> None:
    tasks.fail.enqueue()

    queue.fail(take(now), ValueError("a \0 and half a pair \ud800"), patience=PATIENCE, now=now)

    assert "a \\0 and half a pair \\ud800" in Job.objects.get().traceback


@pytest.mark.django_db
def test_jobs_that_failed_together_do_not_come_back_together() -> None:
    pauses = {queue.pause_after(1, patience=PATIENCE) for _ in range(20)}

    assert len(pauses) == 20


@pytest.mark.django_db
def test_renewing_keeps_a_job_from_being_taken_back(now: dt.datetime) -> None:
    tasks.note.enqueue()
    lease = take(now)

    assert queue.renew(lease, patience=PATIENCE, now=now + PATIENCE.lease)
    assert queue.reclaim_expired(patience=PATIENCE, now=now + PATIENCE.lease + SECOND) == 0
    assert queue.reclaim_expired(patience=PATIENCE, now=now + 2 * PATIENCE.lease + SECOND) == 1


@pytest.mark.django_db
def test_the_job_of_a_worker_that_vanished_runs_again_and_the_zombie_cannot_end_it(now: dt.datetime) -> None:
    tasks.note.enqueue()
    zombie = take(now)
    later = now + PATIENCE.lease + SECOND

    assert queue.reclaim_expired(patience=PATIENCE, now=later) == 1
    heir = take(Job.objects.get().run_after, worker="bob")

    assert heir.attempt == 2
    assert not queue.renew(zombie, patience=PATIENCE, now=later)
    with pytest.raises(LeaseLost):
        queue.succeed(zombie, "FROM THE DEAD", now=later)
    with pytest.raises(LeaseLost):
        queue.fail(zombie, RuntimeError(), patience=PATIENCE, now=later)
    with pytest.raises(LeaseLost):
        queue.hand_back(zombie, now=later)
    queue.succeed(heir, "ALIVE", now=later)
    assert Job.objects.get().return_value == "ALIVE"


@pytest.mark.django_db
def test_a_job_that_kills_its_worker_each_time_is_parked_too(now: dt.datetime) -> None:
    tasks.note.enqueue()

    for _ in range(5):
        take(now)
        now += PATIENCE.lease + SECOND
        queue.reclaim_expired(patience=PATIENCE, now=now)
        now = max(now, Job.objects.get().run_after) if Job.objects.get().status == "READY" else now

    job = Job.objects.get()
    assert job.status == "FAILED"
    assert job.exception_class_path == "matinee.core.jobs.queue.WorkerLost"
    assert "alice stopped renewing its lease on attempt 5" in job.traceback


@pytest.mark.django_db(transaction=True)
def test_a_worker_and_those_who_take_its_job_back_never_both_end_it(now: dt.datetime) -> None:
    later = now + PATIENCE.lease + SECOND

    def reclaim() -> object:
        return queue.reclaim_expired(patience=PATIENCE, now=later)

    for _ in range(3):
        tasks.note.enqueue()
        lease = take(now)

        outcomes = at_once(lambda held=lease: queue.succeed(held, "DONE", now=later), reclaim, reclaim)  # type: ignore[misc] # mypy can't infer a lambda with a default

        reclaimed = outcomes.count(1)
        finished = outcomes.count(None)
        assert reclaimed + finished == 1
        assert all(isinstance(outcome, int | LeaseLost | None) for outcome in outcomes)
        assert Job.objects.get().status == ("READY" if reclaimed else "SUCCESSFUL")
        Job.objects.all().delete()


@pytest.mark.django_db
def test_a_job_handed_back_can_be_taken_at_once_and_loses_no_try(now: dt.datetime) -> None:
    tasks.note.enqueue()

    queue.hand_back(take(now), now=now)

    assert take(now, worker="bob").attempt == 1


@pytest.mark.django_db
def test_a_parked_job_can_be_queued_again_with_all_its_tries(now: dt.datetime) -> None:
    tasks.note.enqueue()
    queue.fail(take(now), RuntimeError(), patience=Patience(tries=1), now=now)
    assert nothing_to_take(now)

    assert queue.requeue(Job.objects.all(), now=now) == 1
    assert take(now).attempt == 1
    assert queue.requeue(Job.objects.all(), now=now) == 0


@pytest.mark.django_db
def test_old_results_are_forgotten_and_parked_jobs_are_kept_longer(now: dt.datetime) -> None:
    tasks.note.enqueue("old")
    queue.succeed(take(now), None, now=now)
    tasks.fail.enqueue()
    queue.fail(take(now), RuntimeError(), patience=Patience(tries=1), now=now)
    tasks.note.enqueue("waiting")

    assert queue.forget_finished(now=now + dt.timedelta(days=2)) == 0
    assert queue.forget_finished(now=now + dt.timedelta(days=2, seconds=1)) == 1
    assert queue.forget_finished(now=now + dt.timedelta(days=30, seconds=1)) == 1
    assert [job.args_kwargs["args"] for job in Job.objects.all()] == [["waiting"]]


@pytest.mark.django_db
def test_how_long_the_oldest_job_has_waited_is_known(now: dt.datetime) -> None:
    assert queue.waiting_since(queues=["default"], now=now) is None

    tasks.note.enqueue("first")
    tasks.note.enqueue("second")
    tasks.train.enqueue()

    first = Job.objects.get(args_kwargs__args=["first"])
    assert queue.waiting_since(queues=["default"], now=now) == first.enqueued_at


@pytest.mark.django_db
def test_a_claim_costs_the_same_however_long_the_queue(
    now: dt.datetime, django_assert_num_queries: Callable[..., object]
) -> None:
    for number in range(20):
        tasks.note.enqueue(str(number))

    with django_assert_num_queries(7):  # type: ignore[attr-defined] # a context manager
        take(now)
