"""Workers are killed at random, and still every job has its effect, once."""

from __future__ import annotations

import datetime as dt
import random
import time
from pathlib import Path

import pytest

from matinee.core.jobs.models import Job, JobLease
from matinee.core.jobs.queue import Patience
from matinee.core.jobs.worker import Worker
from tests.core.jobs import tasks
from tests.killed import run_and_kill
from tests.rounds import rounds

KILLS = rounds(10)
JOBS = rounds(16)
PATIENCE = Patience(
    lease=dt.timedelta(seconds=0.4), beat=dt.timedelta(seconds=0.1), tries=KILLS + 1, first_pause=dt.timedelta(0)
)


def work() -> None:
    Worker(queues=["default"], patience=PATIENCE).run()


@pytest.mark.django_db(transaction=True)
def test_with_workers_killed_at_random_every_job_is_done_once_and_the_failing_one_parked(tmp_path: Path) -> None:
    chance = random.Random(25)
    for number in range(JOBS):
        tasks.touch.enqueue(str(tmp_path / f"job-{number}"), 0.05)
    tasks.fail.enqueue()

    for _ in range(KILLS):
        run_and_kill(work, after=chance.uniform(0.02, 0.25))
    survivor = Worker(queues=["default"], patience=PATIENCE)
    while Job.objects.filter(status__in=["READY", "RUNNING"]).exists():
        if not survivor.run_one(now=dt.datetime.now(dt.UTC)):
            time.sleep(0.02)

    touched = Job.objects.filter(task_path=tasks.touch.module_path)
    starts = sum(len(file.read_text().splitlines()) for file in tmp_path.glob("*.starts"))
    assert {job.status for job in touched} == {"SUCCESSFUL"}
    assert all((tmp_path / f"job-{number}").exists() for number in range(JOBS))
    assert JOBS < starts <= JOBS + KILLS, "some were killed half-way, and nothing else ran twice"
    failed = Job.objects.get(task_path=tasks.fail.module_path)
    assert (failed.status, len(failed.worker_ids)) == ("FAILED", PATIENCE.tries)
    assert not JobLease.objects.exists()
