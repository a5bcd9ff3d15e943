"""Real processes for the tests of the tree."""

from __future__ import annotations

import http.client
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import psutil


def eventually(is_so: Callable[[], bool], *, within: float = 20.0) -> bool:
    deadline = time.monotonic() + within
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def readable(connections: Sequence[socket.socket], *, within: float = 0.0) -> list[socket.socket]:
    """Those that something can be read of by then. `select.select` knows no file above the 1,023rd of a process."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ, connection)
        return [key.data for key, _ in selector.select(within)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def start(arguments: Sequence[str], *, by: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*by, sys.executable, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def tree_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def all_gone(processes: Sequence[psutil.Process]) -> bool:
    return not any(is_alive(process) for process in processes)


def get(port: int, path: str) -> tuple[int, bytes]:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    asking.request("GET", path)
    answer = asking.getresponse()
    body = answer.read()
    asking.close()
    return answer.status, body
