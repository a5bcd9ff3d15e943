"""Processes of one tree: copies of the one that supervises them, each of which ends when its parent does, even when
that had no time to say so."""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import django

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # from Linux's <sys/prctl.h>
LONGEST_NAME = 15
LOOK_EVERY_SECONDS = 1.0
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder of a tree's processes. prometheus-client, whose name it is, has each of them count
in a file there, which any of them adds up."""
STOPPED_BY = (signal.SIGTERM, signal.SIGINT)
STDERR = 2
START_METHOD = "fork" if sys.platform == "linux" else "spawn"
"""A copy has all that its parent has imported, and is there at once; elsewhere, where libraries do not stand being
copied, a process reads everything anew."""


def tell_where_it_dies() -> None:
    """Have a fault of native code tell on standard error what each thread did, of this process and of its copies."""
    if not faulthandler.is_enabled():
        faulthandler.enable(file=STDERR)


@contextmanager
def folder_of_a_tree() -> Iterator[None]:
    """Entered before anything is counted. This tree's alone, whatever the environment names: containers that share a
    data directory share pids, too."""
    with tempfile.TemporaryDirectory(prefix="matinee-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        yield


def start(name: str, work: Callable[[], object], *, in_own_group: bool = True) -> BaseProcess:
    """Have `work` done in a process that ends with this one. Called from the main thread, without others beside it.

    `in_own_group`: Ctrl-C does not reach it.
    """
    multiprocessing.set_start_method(START_METHOD, force=True)  # Python's own choice differs by its version
    process = multiprocessing.Process(target=_tied, args=(_SetUp(), name, work, os.getpid(), in_own_group), name=name)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPED_BY)  # or the copy would take one as its parent does
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPED_BY)
    return process


class _SetUp:
    """Where a process is no copy it reads this before its work, whose modules need Django set up."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return django.setup, ()


def _tied(_set_up: object, name: str, work: Callable[[], object], parent: int, in_own_group: bool) -> None:  # noqa: FBT001 - as a process is given it
    end_with_parent(parent)
    if in_own_group:
        os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPED_BY)
    call_it(name)
    work()


def call_it(name: str) -> None:
    """How `ps -o comm` and `top` tell this process from the others of its tree."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name[:LONGEST_NAME].encode())


def end_with_parent(parent: int) -> None:
    """Have this process killed as soon as `parent`, which started it, is gone. Called from the main thread.

    Linux does it at once; elsewhere, or where that is forbidden, a thread looks every second. It is SIGKILL, since
    nobody is left who could wait for a clean stop, and all that this program writes stands a sudden end.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _end_if_orphaned(parent)  # it may have ended before the lines above
    threading.Thread(target=_watch, args=(parent,), name="end-with-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        _end_if_orphaned(parent)


def _end_if_orphaned(parent: int) -> None:
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
