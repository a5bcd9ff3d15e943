"""A job worker at rest asks SQLite one small question in place of a look, and misses nothing for long."""

from __future__ import annotations

import os
import signal
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from matinee.core.jobs import queue, resting, schedule, worker
from matinee.core.jobs.models import Job
from matinee.core.jobs.resting import Rest
from matinee.core.jobs.worker import Worker
from tests.clock import Clock
from tests.core.jobs import tasks

pytestmark = pytest.mark.django_db(transaction=True)
on_sqlite = pytest.mark.skipif(not settings.EMBEDDED_DATABASE, reason="PostgreSQL does not tell who has written.")

UNHEARD_OF = 30.0
"""Seconds after which a job is found that nobody told of."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def rest(clock: Clock) -> Rest:
    """Nobody has written for as long as it takes."""
    rest = Rest()
    assert not rest.spares_a_look()
    clock.now += resting.RESTS_AFTER_SECONDS
    return rest


def write_elsewhere() -> None:
    """By another connection."""

    def write() -> None:
        tasks.note.enqueue()
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


@on_sqlite
def test_at_rest_a_look_is_spared_by_one_small_statement(rest: Rest, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1) as asked:
        assert rest.spares_a_look()

    assert asked[0]["sql"] == "PRAGMA data_version"


@on_sqlite
def test_what_somebody_writes_ends_it(rest: Rest, clock: Clock) -> None:
    write_elsewhere()

    assert not rest.spares_a_look()
    clock.now += resting.RESTS_AFTER_SECONDS / 2
    assert not rest.spares_a_look()
    clock.now += resting.RESTS_AFTER_SECONDS / 2
    assert rest.spares_a_look()


@on_sqlite
def test_work_that_was_found_ends_it_since_it_may_have_brought_more(rest: Rest) -> None:
    rest.end()

    assert not rest.spares_a_look()


@on_sqlite
def test_for_what_time_alone_brings_it_looks_every_few_seconds(rest: Rest, clock: Clock) -> None:
    assert rest.spares_a_look()
    clock.now += resting.LOOKS_EVERY_SECONDS - resting.RESTS_AFTER_SECONDS

    assert [rest.spares_a_look() for _ in range(2)] == [False, True]


@pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="SQLite tells who has written.")
def test_where_writes_are_not_told_no_look_is_spared(rest: Rest, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert not rest.spares_a_look()


def test_what_is_scheduled_most_often_is_due_again_before_a_worker_rests() -> None:
    """Else what is written just before the rest would wait for the end of it."""
    often = [p for p in schedule.registered() if p.every.total_seconds() < resting.LOOKS_EVERY_SECONDS]

    assert often
    for periodic in often:
        assert periodic.every.total_seconds() + worker.IDLE_SECONDS < resting.RESTS_AFTER_SECONDS, periodic.name


def test_a_worker_at_rest_runs_what_comes_and_what_that_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    claim = queue.claim

    def counted(**keywords: Any) -> Any:
        looks.append(time.monotonic())
        return claim(**keywords)

    def begin() -> None:
        monkeypatch.setattr(tasks, "on_act", lambda: os.kill(os.getpid(), signal.SIGTERM))
        tasks.act.enqueue()

    def come_later() -> None:
        time.sleep(1)
        tasks.act.enqueue()
        connections.close_all()

    monkeypatch.setattr(schedule, "_registered", {})
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(resting, "RESTS_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(resting, "LOOKS_EVERY_SECONDS", UNHEARD_OF)
    monkeypatch.setattr(queue, "claim", counted)
    monkeypatch.setattr(tasks, "on_act", begin)
    visitor = threading.Thread(target=come_later)
    visitor.start()

    Worker(queues=["default"]).run()

    visitor.join()
    assert [job.status for job in Job.objects.all()] == ["SUCCESSFUL", "SUCCESSFUL"]
    if connection.vendor == "sqlite":
        assert 0.2 < max(later - sooner for sooner, later in pairwise(looks)) < UNHEARD_OF
