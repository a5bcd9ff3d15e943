"""Processes of one tree: a child ends when its parent does, even when the parent had no time to say so."""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # from Linux's <sys/prctl.h>
LOOK_EVERY_SECONDS = 1.0
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder of a tree's processes. prometheus-client, whose name it is, has each of them count
in a file there, which any of them adds up."""


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


def main(arguments: Sequence[str]) -> None:
    """MODULE ARGUMENTS... PARENT: run a module as `python -m` does, tied to the process that started this one.

    The tie comes before all imports, so that not even a child that has just been started is left over.
    """
    module, *given, parent = arguments
    end_with_parent(int(parent))
    sys.argv = [module, *given]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
