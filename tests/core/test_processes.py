"""A process that was told so ends when its parent does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.operations.processes import eventually

# A parent that starts a child, says its pid and is gone; the child ends with it, or prints that it did not.
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""
CHILD = """
import sys, time
from matinee.core import processes
{before}
processes.end_with_parent(int(sys.argv[1]))
print("ready", flush=True)
time.sleep(60)
"""
ELSEWHERE = "sys.platform = 'elsewhere'; processes.LOOK_EVERY_SECONDS = 0.05"


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("before", ["", ELSEWHERE], ids=["by the kernel", "by looking"])
def test_a_child_ends_when_its_parent_is_killed(before: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD.format(before=before)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_running(child)

    parent.kill()
    parent.communicate()

    assert eventually(lambda: not is_running(child), within=3)


def test_where_a_process_is_no_copy_it_does_its_work_all_the_same(tmp_path: Path) -> None:
    """As on macOS. The work is read once Django is set up there."""
    marks = tmp_path / "marks"
    marks.mkdir()
    program = f"""
import pathlib
from functools import partial
from matinee.core import processes
if __name__ == "__main__":
    processes.START_METHOD = "spawn"
    import django
    django.setup()
    from matinee.core.draining import begin_draining
    process = processes.start("work", partial(begin_draining, pathlib.Path({str(marks)!r})))
    process.join()
    raise SystemExit(process.exitcode)
"""
    (tmp_path / "program.py").write_text(program)

    subprocess.run([sys.executable, str(tmp_path / "program.py")], check=True)

    assert [mark.name for mark in marks.iterdir()] == ["draining"]


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    orphan = subprocess.run(
        [sys.executable, "-c", CHILD.format(before=""), str(os.getpid() + 1)], check=False, stdout=subprocess.PIPE
    )

    assert orphan.returncode == -signal.SIGKILL
    assert orphan.stdout == b""
