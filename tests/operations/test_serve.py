"""`matinee serve` is one tree: it answers, heals itself, and ends whole."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from matinee.operations import serving
from matinee.operations.serving import PortTaken
from tests.operations.instances import environment_of, started
from tests.operations.processes import all_gone, eventually, free_port, get, is_alive, is_free, tree_of


def job_workers(supervisor: int) -> set[int]:
    """The pids of those that are alive."""
    children = psutil.Process(supervisor).children()
    return {child.pid for child in children if is_alive(child) and child.name().startswith("jobs: ")}


def hurries_less(tree: list[psutil.Process]) -> set[str]:
    """The names of the processes that let others go first, with each of their threads."""
    here = os.getpriority(os.PRIO_PROCESS, 0)
    nice = {each.name(): {os.getpriority(os.PRIO_PROCESS, thread.id) for thread in each.threads()} for each in tree}
    return {name for name, threads in nice.items() if min(threads) > here}


def test_it_answers_heals_itself_drains_and_stops_cleanly(tmp_path: Path) -> None:
    elsewhere = tmp_path / "where somebody else's processes count"
    elsewhere.mkdir()
    told = {"PROMETHEUS_MULTIPROC_DIR": str(elsewhere), "MATINEE_DRAIN_SECONDS": "3"}
    with started(tmp_path, "serve", "--workers", "1", **told) as instance:
        port, process = instance.port, instance.process

        assert get(port, "/livez")[0] == 200
        status, body = get(port, "/readyz")
        assert (status, json.loads(body)["checks"]["catalogue"]["ok"]) == (200, True)
        assert get(port, "/static/admin/css/base.css")[0] == 200
        assert get(port, "/static/ninja/swagger-ui.css")[0] == 200

        assert eventually(lambda: len(job_workers(process.pid)) == 3)
        assert eventually(lambda: hurries_less(tree_of(process)) == {"jobs: training"})
        before = job_workers(process.pid)
        os.kill(min(before), signal.SIGKILL)
        assert eventually(lambda: len(job_workers(process.pid) - before) == 1), instance.output

        tree = tree_of(process)
        process.send_signal(signal.SIGTERM)
        assert eventually(lambda: get(port, "/readyz")[0] == 503)
        assert process.wait(timeout=60) == 0, instance.output
        assert eventually(lambda: all_gone(tree) and is_free(port), within=3)


def test_killed_it_leaves_no_process_and_frees_its_port(tmp_path: Path) -> None:
    with started(tmp_path, "serve", "--workers", "1") as instance:
        assert eventually(lambda: len(job_workers(instance.process.pid)) == 3)
        tree = tree_of(instance.process)
        assert len(tree) >= 6, "the supervisor, granian and a worker of its, three job workers"

        instance.process.kill()

        assert eventually(lambda: all_gone(tree) and is_free(instance.port), within=3)


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_refused_with_the_way_out(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(CommandError, match=rf"Port {port} .*another program has it.*--port"):
            call_command(command, port=port)


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_port_that_no_machine_has_is_refused_in_a_sentence(port: int) -> None:
    with pytest.raises(PortTaken, match=f"There is no port {port}"):
        serving.free_address("127.0.0.1", port)


def test_to_serve_without_a_worker_is_refused() -> None:
    with pytest.raises(CommandError, match="--workers is 1 or more"):
        call_command("serve", workers=0)


def test_an_address_of_another_machine_is_refused_with_the_reason() -> None:
    with pytest.raises(PortTaken, match=r"203\.0\.113\.7"):
        serving.free_address("203.0.113.7", free_port())


def test_a_name_of_no_machine_is_refused_with_the_reason() -> None:
    with pytest.raises(PortTaken, match=r"at films\.invalid can't be used: "):
        serving.free_address("films.invalid", free_port())


@pytest.mark.django_db
def test_a_disk_that_is_full_keeps_it_from_publishing_and_not_from_starting(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    settings.LIMITS_FILE = tmp_path / "limits.sqlite3"
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own transaction lives in it
    monkeypatch.setattr(serving, "publish_what_is_stale", full)

    serving.bring_up_to_date()

    assert "not published" in caplog.text


def test_it_listens_at_a_name_too(tmp_path: Path) -> None:
    with started(tmp_path, "serve", "--host", "localhost", "--workers", "1", "--web-only") as instance:
        assert f"Matinee answers at http://localhost:{instance.port}" in instance.output
        assert get(instance.port, "/livez")[0] == 200


@pytest.mark.parametrize(
    ("host", "typed"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],
)
def test_the_address_told_can_be_typed(host: str, typed: str) -> None:
    assert serving.url(host, 80) == typed


def test_where_nothing_listens_nothing_answers() -> None:
    assert not serving.answers("127.0.0.1", free_port())


WHAT_COPIES_FIND = """
import threading
import django
django.setup()
from django.db import connections
from matinee.operations import serving, web
web.read_application()
print(threading.active_count(), [name for name in connections if connections[name].connection is not None])
"""


def test_what_all_processes_are_copied_from_has_one_thread_and_no_connection(tmp_path: Path) -> None:
    environment = os.environ | environment_of("", tmp_path)

    told = subprocess.run(
        [sys.executable, "-c", WHAT_COPIES_FIND], env=environment, capture_output=True, text=True, check=True
    )

    assert told.stdout == "1 []\n"
