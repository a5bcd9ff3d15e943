"""A process that was told so ends when its parent does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

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


def test_a_module_is_run_with_its_arguments_and_the_tie() -> None:
    """`timeit` prints what it was told to."""
    told = [sys.executable, "-m", "matinee.core.processes", "timeit", "-n1", "-r1", "print(__import__('sys').argv)"]

    run = subprocess.run([*told, str(os.getpid())], check=True, stdout=subprocess.PIPE, text=True)

    assert "'-n1', '-r1'" in run.stdout.splitlines()[0]


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    orphan = subprocess.run(
        [sys.executable, "-c", CHILD.format(before=""), str(os.getpid() + 1)], check=False, stdout=subprocess.PIPE
    )

    assert orphan.returncode == -signal.SIGKILL
    assert orphan.stdout == b""
