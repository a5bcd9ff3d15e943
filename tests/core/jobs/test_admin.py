"""Staff see what is parked, and can have it tried again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from matinee.accounts.models import User
from matinee.core.jobs import queue
from matinee.core.jobs.models import Job, Schedule
from matinee.core.jobs.queue import Patience
from tests.core.jobs import tasks

JOBS = "/admin/django_tasks_database/dbtaskresult/"


@pytest.fixture
def staff(db: None, now: dt.datetime) -> User:
    return User.objects.create(email="ada@example.org", username="ada", is_staff=True, date_joined=now)


def as_user(user: User, *permissions: str) -> Client:
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def parked_job(now: dt.datetime) -> Job:
    tasks.fail.enqueue()
    lease = queue.claim(queues=["default"], worker_id="w1", patience=Patience(), now=now)
    assert lease is not None
    queue.fail(lease, RuntimeError("out of luck"), patience=Patience(tries=1), now=now)
    return Job.objects.get()


def try_again(client: Client, job: Job) -> Any:
    return client.post(JOBS, {"action": "try_again", "_selected_action": [str(job.pk)]}, follow=True)


def test_a_parked_job_is_listed_with_its_reason_and_can_be_tried_again(staff: User, now: dt.datetime) -> None:
    job = parked_job(now)
    client = as_user(staff, "view_dbtaskresult", "change_dbtaskresult")

    assert b"tests.core.jobs.tasks.fail" in client.get(JOBS).content
    assert b"out of luck" in client.get(f"{JOBS}{job.pk}/change/").content
    answer = try_again(client, job)

    assert b"1 parked jobs are queued again." in answer.content
    job.refresh_from_db()
    assert (job.status, job.worker_ids) == ("READY", [])


def test_who_may_only_look_cannot_have_it_tried_again(staff: User, now: dt.datetime) -> None:
    job = parked_job(now)

    try_again(as_user(staff, "view_dbtaskresult"), job)

    job.refresh_from_db()
    assert job.status == "FAILED"


def test_a_running_job_names_its_worker_and_the_list_costs_the_same_however_long(
    staff: User, now: dt.datetime, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _ in range(20):
        tasks.note.enqueue()
        queue.claim(queues=["default"], worker_id="bobs-machine-7", patience=Patience(), now=now)
    client = as_user(staff, "view_dbtaskresult")

    with django_assert_max_num_queries(9):
        page = client.get(JOBS)

    assert b"bobs-machine-7" in page.content


def test_a_schedule_can_be_moved_but_neither_made_nor_deleted(staff: User, now: dt.datetime) -> None:
    Schedule.objects.create(name="nightly", next_run_at=now)
    client = as_user(staff, "view_schedule", "change_schedule", "add_schedule", "delete_schedule")

    assert b"nightly" in client.get("/admin/jobs/schedule/").content
    assert client.get("/admin/jobs/schedule/add/").status_code == 403
    assert client.get("/admin/jobs/schedule/nightly/delete/").status_code == 403
    moved = {"next_run_at_0": "2031-01-01", "next_run_at_1": "00:00:00"}
    assert client.post("/admin/jobs/schedule/nightly/change/", moved).status_code == 302
    assert Schedule.objects.get().next_run_at.year == 2031
