"""The job workers of two nodes share one database: each job is done once, whichever node takes it, and a node that is
killed leaves its job to the other."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from matinee.core.jobs import schedule
from matinee.core.jobs.models import Job, JobLease
from matinee.core.jobs.queue import Patience
from matinee.core.jobs.schedule import Periodic
from matinee.core.jobs.worker import Worker
from tests.core.jobs import tasks
from tests.operations.processes import eventually
from tests.rounds import rounds

JOBS = rounds(24)
SOON = Patience(lease=dt.timedelta(seconds=2), beat=dt.timedelta(seconds=0.1), tries=9, first_pause=dt.timedelta(0))
FORKS = multiprocessing.get_context("fork")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _one_thing_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_registered", {"note": Periodic("note", tasks.note, every=dt.timedelta(hours=1))})


@contextmanager
def two_nodes(folder: Path, patience: Patience) -> Iterator[dict[int, BaseProcess]]:
    """By process id; both begin at the same moment, each with a data directory of its own."""
    connections.close_all()  # a connection can't be shared with a fork
    together = FORKS.Barrier(2)

    def work(name: str) -> None:
        settings.DATA_DIR = folder / name
        settings.ARTIFACTS_DIR = settings.DATA_DIR / "artifacts"
        together.wait()
        Worker(queues=["default"], patience=patience).run()

    nodes = [FORKS.Process(target=work, args=(name,)) for name in ("first", "second")]
    for node in nodes:
        node.start()
    try:
        yield {node.pid: node for node in nodes if node.pid}
    finally:
        for node in nodes:
            node.kill()
            node.join()


def pid_of(worker_id: str) -> int:
    return int(worker_id.split("-")[-2])


def starts_of(file: Path) -> int:
    starts = file.with_name(f"{file.name}.starts")
    return len(starts.read_text().splitlines()) if starts.exists() else 0


def test_each_job_is_done_once_by_either_of_two_nodes_and_the_schedule_fires_once(tmp_path: Path) -> None:
    files = [tmp_path / f"job-{number}" for number in range(JOBS)]
    for file in files:
        tasks.touch.enqueue(str(file), 0.05)

    with two_nodes(tmp_path, Patience()) as nodes:
        assert eventually(lambda: Job.objects.filter(status="SUCCESSFUL").count() == JOBS + 1, within=60)

    assert {starts_of(file) for file in files} == {1}
    assert all(file.exists() for file in files)
    workers = [worker_id for ids in Job.objects.values_list("worker_ids", flat=True) for worker_id in ids]
    assert len(workers) == JOBS + 1
    assert {*map(pid_of, workers)} == {*nodes}
    assert Job.objects.filter(task_path=tasks.note.module_path).count() == 1


def test_the_job_of_a_node_that_is_killed_is_done_by_the_other(tmp_path: Path) -> None:
    job = tasks.touch.enqueue(str(tmp_path / "job"), 0.8)

    with two_nodes(tmp_path, SOON) as nodes:
        assert eventually(lambda: starts_of(tmp_path / "job") == 1)
        killed = pid_of(JobLease.objects.get(job__task_path=tasks.touch.module_path).worker_id)
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda: Job.objects.get(pk=job.id).status == "SUCCESSFUL", within=60)

    first, *then = map(pid_of, Job.objects.get(pk=job.id).worker_ids)
    assert first == killed
    assert {*then} == nodes.keys() - {killed}
    assert (tmp_path / "job").exists()
