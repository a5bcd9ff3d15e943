"""Valkey, the job workers or the disk are away for a while: requests go on, and nobody gets in unchecked."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
import redis
from django.conf import settings

from tests.core.valkey import Server, valkey
from tests.operations.instances import Instance, database, started_on
from tests.operations.outages import ALICE, ELSEWHERE_BUSY, WRONG_PASSWORD, Asker, Crowd, crowd, is_kept_up
from tests.operations.processes import eventually, get
from tests.operations.test_killed_processes import NO_LIMITS, at_work, prepared, processes_of

SIGN_INS, WORKERS = 1, 2
QUEUES = 3
"""Each has a job worker."""
COMMAND = ("serve", "--workers", str(WORKERS))
COUNTED = dict.fromkeys(NO_LIMITS, "1000000") | {"MATINEE_LIMIT_SIGN_IN": str(SIGN_INS)}
"""Limits that are counted, and that nobody comes to but who guesses."""
GUESSES_AT_MOST = 2 * SIGN_INS * (WORKERS + 1)
"""In the two minutes that it all takes at most: each worker by itself while counters are away, and all together."""
NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
ON_A_DISK = 'mount -t tmpfs -o size=64m tmpfs "$0" && cp -r "$1/." "$0" && shift && exec "$@"'


class Served(NamedTuple):
    people: Crowd
    valkey: Server
    disk: Path | None
    """As the service sees it; None on a machine that lets nobody mount one of their own."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A crowd at work for all tests here, each of which leaves the service as it was."""
    folder, disk = tmp_path_factory.mktemp("prepared"), tmp_path_factory.mktemp("disk")
    by = [*NAMESPACE, "sh", "-c", ON_A_DISK, str(disk), str(folder)] if may_mount(disk) else []
    with database() as url, valkey() as counters:
        prepared(url, folder)
        place = disk if by else folder
        with started_on(url, place, *COMMAND, by=by, MATINEE_VALKEY_URL=counters.url, **COUNTED) as instance:
            with crowd(instance) as people:
                yield Served(people, counters, Path(f"/proc/{instance.process.pid}/root{disk}") if by else None)
            lost = [writer.lost(instance.port) for writer in people.writers]
    assert lost == [[]] * len(lost)


def may_mount(folder: Path) -> bool:
    trying = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(trying, capture_output=True, check=False).returncode == 0
    return False


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.stop()
    yield
    server.start()


def test_without_valkey_all_goes_on_and_each_worker_holds_the_limits_for_itself(served: Served) -> None:
    with closing(redis.Redis.from_url(served.valkey.url)) as counters:
        outage = served.people.through(stopped(served.valkey), is_well=lambda: counters.dbsize() > 0)

    is_kept_up(outage)
    assert set(outage.writes) <= {"200", "201", *ELSEWHERE_BUSY}
    guesses = outage.tries[WRONG_PASSWORD]
    assert guesses["429"]
    assert guesses["401"] <= GUESSES_AT_MOST


@contextmanager
def workers_killed(instance: Instance) -> Iterator[None]:
    """Those that run jobs, as often as they are started again."""
    stop, killed = threading.Event(), set[int]()

    def kill() -> None:
        while not stop.wait(0.05):
            for pid in processes_of(instance)["job worker"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)

    killing = threading.Thread(target=kill)
    killing.start()
    try:
        yield
        assert len(killed) > QUEUES, "and those that took their places"
    finally:
        stop.set()
        killing.join()


def waiting(instance: Instance) -> int | None:
    """Jobs that no worker has taken; None where a machine that has others to work for does not tell."""
    status, told = get(instance.port, "/metrics")
    assert status in {200, 503}
    found = re.search(rb'^matinee_jobs{state="waiting"} (\d+)', told, re.M)
    return int(found[1]) if found else None


def test_without_job_workers_requests_succeed_and_what_they_left_to_do_is_done_afterwards(served: Served) -> None:
    instance = served.people.instance
    forgetful = Asker("POST", "users/password/reset/", {"email": ALICE["email"]})

    with at_work(instance.port, [forgetful]):
        outage = served.people.through(workers_killed(instance))

    assert eventually(lambda: waiting(instance) == 0, within=90)
    is_kept_up(outage)
    assert set(outage.writes) <= {"200", "201", *ELSEWHERE_BUSY}
    assert set(forgetful.answers) <= {"202", *ELSEWHERE_BUSY}


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Nothing more fits on it."""
    rubbish = disk / "rubbish"
    with pytest.raises(OSError, match="No space left"):
        fill(rubbish)
    try:
        yield
    finally:
        rubbish.unlink()


def fill(file: Path) -> NoReturn:
    with file.open("wb", buffering=0) as rubbish:
        while True:
            rubbish.write(bytes(4_096))


def test_on_a_full_disk_what_needs_no_room_is_done_and_the_rest_once_there_is_some(served: Served) -> None:
    if served.disk is None:
        pytest.skip("This machine lets nobody mount a disk of their own.")

    outage = served.people.through(full(served.disk))

    is_kept_up(outage)
    assert set(outage.writes) <= {"200", "201", *ELSEWHERE_BUSY} | ({"503"} if settings.EMBEDDED_DATABASE else set())
    assert outage.writes["503"] or not settings.EMBEDDED_DATABASE, "SQLite has its rows there"
    assert outage.tries[WRONG_PASSWORD]["401"] <= GUESSES_AT_MOST
