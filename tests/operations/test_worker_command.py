"""`matinee worker` runs jobs without the web server."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django_tasks_db.models import DBTaskResult

from matinee.core.database import OUTDATED
from matinee.core.jobs import schedule
from tests.core.jobs import tasks
from tests.operations.instances import database, environment_of
from tests.operations.processes import eventually, start


@pytest.mark.django_db(transaction=True)
def test_for_one_queue_it_runs_that_in_its_own_process_until_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(schedule, "_registered", {})
    monkeypatch.setattr(tasks, "on_act", stop)
    tasks.act.enqueue()
    tasks.train.enqueue()

    call_command("worker", queue=["default"])

    statuses: dict[str, Any] = dict(DBTaskResult.objects.values_list("queue_name", "status"))
    assert statuses == {"default": "SUCCESSFUL", "training": "READY"}


def test_a_queue_that_nothing_is_scheduled_in_says_what_it_takes() -> None:
    with pytest.raises(CommandError, match=r"queue mirror never has a job here: set MATINEE_TMDB_TOKEN") as refused:
        call_command("worker", queue=["default", "mirror"])

    assert refused.value.returncode == 78


def test_without_tables_it_says_how_they_are_made_and_runs_nothing(tmp_path: Path) -> None:
    with database() as url:
        worker = start(["-m", "matinee.cli", "worker"], **environment_of(url, tmp_path))
        output, _ = worker.communicate(timeout=300)

    assert (worker.returncode, output) == (1, f"{OUTDATED}\n")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shared_depot")
def test_with_a_depot_a_worker_for_one_queue_has_a_courier_beside_it() -> None:
    connections.close_all()  # a connection can't be shared with a fork
    work = partial(call_command, "worker", queue=["training"])
    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    try:
        names: list[str] = []

        def both_run() -> bool:
            with contextlib.suppress(psutil.NoSuchProcess):  # one that has just ended
                names[:] = [process.name() for process in psutil.Process(worker.pid).children()]
            return sorted(names) == ["courier", "jobs: training"]

        assert eventually(both_run), names
    finally:
        worker.terminate()
        worker.join(timeout=60)
    assert worker.exitcode == 0
