"""A write is on disk before it is answered, as the system's own calls show: what is acknowledged outlasts the power."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings

from tests.operations.instances import database, started_on
from tests.operations.test_killed_processes import FILMS, NO_LIMITS, PASSWORD, ask, prepared, processes_of

CALLS = "fsync,fdatasync,write,writev,sendto,sendmsg"
ON_DISK = re.compile(r"^(\d+) +f(?:data)?sync\(\d+<[^>]*(?:-wal|pg_wal/\w+)>(?:\) += 0| <unfinished)", re.M)
"""Of the log that a database writes before all else: SQLite's, or PostgreSQL's."""
ACKNOWLEDGED = "HTTP/1.1 201 "

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed.")


@contextmanager
def traced(pids: list[int], into: Path) -> Iterator[None]:
    """What these processes, and those that they start, ask of the system meanwhile, call by call in its order."""
    of_each = [argument for pid in pids for argument in ("-p", str(pid))]
    arguments = ["strace", "-f", "-y", "-s", "64", "-e", f"trace={CALLS}", "-o", str(into), *of_each]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        try:
            for _ in pids:
                said = tracer.stderr.readline()
                if "Operation not permitted" in said:
                    pytest.skip("Nothing may be traced on this machine.")
                assert "attached" in said, said
            yield
        finally:
            tracer.terminate()


def server_processes() -> list[int]:
    """PostgreSQL's; SQLite writes by the web worker itself."""
    if settings.EMBEDDED_DATABASE:
        return []
    with psycopg.connect(settings.DATABASE_URL) as server:
        backend = psutil.Process(server.info.backend_pid)
        server_process = backend.parent()
        assert server_process is not None
        others = [child.pid for child in server_process.children() if child.pid != backend.pid]
    return [server_process.pid, *others]


def acknowledged_and_on_disk(trace: str) -> list[bool]:
    """Of each 201, whether since the one before it a sync of the log has ended."""
    found, is_on_disk, under_way = [], False, set()
    for line in trace.splitlines():
        process = line.split(" ", 1)[0]
        if begun := ON_DISK.match(line):
            if line.endswith("<unfinished ...>"):
                under_way.add(begun[1])
            else:
                is_on_disk = True
        elif process in under_way and re.search(r"<\.\.\. f(data)?sync resumed>.* = 0", line):
            under_way.discard(process)
            is_on_disk = True
        elif ACKNOWLEDGED in line:
            found.append(is_on_disk)
            is_on_disk = False
    return found


def test_every_write_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with database() as url:
        prepared(url, tmp_path)
        with started_on(url, tmp_path, "serve", "--workers", "1", "--web-only", **NO_LIMITS) as instance:
            body = {"email": "writer@example.org", "password": PASSWORD}
            token = ask(instance.port, "POST", "users/register/", body)[1]["access"]
            with traced([*processes_of(instance)["web worker"], *server_processes()], trace):
                for film in FILMS:
                    status, _ = ask(instance.port, "POST", f"movies/{film}/rate/", {"rating": 5}, token)
                    assert status == 201

    assert acknowledged_and_on_disk(trace.read_text(errors="replace")) == [True] * len(FILMS)
