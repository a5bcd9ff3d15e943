"""/livez answers while the process lives; /readyz names each check, and fails only on what is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django.fixtures import Settings

from matinee.catalog.columns import refresh_columns
from matinee.core.draining import begin_draining
from matinee.core.processes import SHARED_FOLDER
from matinee.operations import checks as service_checks
from matinee.recommendations.freshness import model_store
from matinee.recommendations.training import train
from matinee.search.index import refresh_index
from tests.core.jobs import tasks


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_checks, "_migrated", set())


def out_of_reach(execute: Any, *arguments: Any) -> Any:
    raise OperationalError("the database is away")


def test_livez_answers_without_the_database(client: Client) -> None:
    answer = client.get("/livez")

    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_an_empty_instance_is_ready_and_names_what_is_not_there_yet(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert {name: check["ok"] for name, check in checks.items()} == {
        "database": True,
        "migrations": True,
        "catalogue": False,
        "model": False,
        "search": False,
        "queue": True,
    }
    assert checks["model"]["detail"] == "None is in service."
    assert checks["search"]["detail"] == "No index is in service: the database finds titles by their beginning."


@pytest.mark.django_db
def test_what_is_in_service_is_named_by_its_version(client: Client) -> None:
    refresh_columns()
    refresh_index()
    version = train(now=timezone.now()).version

    checks = client.get("/readyz").json()["checks"]

    assert checks["catalogue"]["ok"]
    assert checks["model"] == {"ok": True, "needed": False, "detail": version}
    assert checks["search"]["ok"]


@pytest.mark.django_db
def test_a_model_that_can_not_be_read_is_not_in_service(client: Client, settings: Settings) -> None:
    model_store().publish({"item_ids": np.arange(3)}, {})

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert not answer.json()["checks"]["model"]["ok"]


@pytest.mark.django_db
def test_without_its_database_the_service_is_not_ready_and_says_when_to_ask_again(client: Client) -> None:
    with connection.execute_wrapper(out_of_reach):
        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "5"
    assert answer.json()["detail"] == "The service can't do without: database."
    assert answer.json()["checks"]["database"]["ok"] is False


@pytest.mark.django_db
def test_a_migration_that_waits_makes_it_not_ready(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="jobs").delete()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"]["detail"] == "1 wait for `matinee migrate`."


def test_while_it_drains_it_is_not_ready_and_asks_nobody(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path))
    begin_draining(tmp_path)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["detail"] == "It is about to stop: send it no more requests."
    assert client.get("/livez").status_code == 200


@pytest.mark.django_db
def test_asking_again_costs_two_queries(client: Client, django_assert_max_num_queries: Callable[..., Any]) -> None:
    client.get("/readyz")

    with django_assert_max_num_queries(2):
        client.get("/readyz")


@pytest.mark.django_db
def test_a_job_that_waits_long_is_told_but_does_not_stop_the_service() -> None:
    tasks.note.enqueue()
    now = DBTaskResult.objects.get().enqueued_at + service_checks.QUEUE_IS_BEHIND_AFTER

    queue = service_checks.quick_checks(now=now)[-1]

    assert (queue.ok, queue.needed) == (False, False)
    assert queue.detail == "The oldest job waits for 600 s."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked_from", "headers", "sees_detail"),
    [
        ("127.0.0.1", {}, True),
        ("203.0.113.7", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, False),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.7"}, False),
    ],
    ids=["on this machine", "from elsewhere", "through a proxy on this machine", "through another one"],
)
def test_in_production_details_are_for_this_machine_alone(
    client: Client, settings: Settings, asked_from: str, headers: dict[str, str], sees_detail: bool
) -> None:
    settings.MODE = "production"

    checks = client.get("/readyz", headers=headers, REMOTE_ADDR=asked_from).json()["checks"]

    assert all(("detail" in check) is sees_detail for check in checks.values())


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_it_can_only_be_read(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405
