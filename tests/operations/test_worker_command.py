"""`matinee worker` runs jobs without the web server."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django_tasks_db.models import DBTaskResult

from matinee.core.jobs import schedule
from tests.core.jobs import tasks


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
