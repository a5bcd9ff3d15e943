"""`matinee worker` runs jobs without the web server."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import CommandError, call_command
from django_tasks_db.models import DBTaskResult

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


def test_where_the_settings_are_wrong_it_ends_and_names_who_could_not_start(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATINEE_ACCESS_TOKEN_SECONDS", "soon")

    with pytest.raises(CommandError, match=r"The job worker \(\w+\) does not stay up \(its last exit code is 78\)"):
        call_command("worker")

    assert "MATINEE_ACCESS_TOKEN_SECONDS" in capfd.readouterr().err


def test_with_a_depot_a_worker_for_one_queue_has_a_courier_beside_it(tmp_path: Path) -> None:
    (tmp_path / "depot").mkdir()
    with database() as url:
        environment = {**environment_of(url, tmp_path), "MATINEE_DEPOT_URL": f"file://{tmp_path}/depot"}
        worker = start(["-m", "matinee.cli", "worker", "--queue", "training"], **environment)
        try:
            commands: list[list[str]] = []

            def both_run() -> bool:
                with contextlib.suppress(psutil.NoSuchProcess):  # one that has just ended
                    commands[:] = [process.cmdline() for process in psutil.Process(worker.pid).children()]
                return sorted("courier" in command for command in commands) == [False, True]

            assert eventually(both_run), commands
            assert ["--no-courier", "--queue", "training"] in [command[-4:-1] for command in commands]
        finally:
            worker.terminate()
            worker.communicate(timeout=60)
