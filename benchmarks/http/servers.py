"""A running server that is measured: a tree of processes on this machine."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.http.building import own_bytes
from benchmarks.http.client import HOST, Request

START_SECONDS = 180
ANSWER_SECONDS = 300
"""A worker reads every byte of the artifacts before its first answer."""
USERNAME, PASSWORD = "bench", "a passphrase for the benchmark alone"
"""Whose requests are measured."""
LOGIN = "/api/v1/users/login/"


class CannotStart(Exception):
    """A server did not come up; the message says where its log is."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


class Server:
    """One running server; `token` is the access token of the person whose requests are measured."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        port: int,
        folder: Path,
        env: Mapping[str, str],
        log: Path,
        beside: Sequence[int] = (),
    ) -> None:
        """`beside`: processes that work for it and were there before, a database server's. Raises CannotStart."""
        self.name = name
        self.port = port
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self._tree = psutil.Process(self._process.pid)
        self._beside = [psutil.Process(pid) for pid in beside]
        try:
            self._wait_until_up(log)
            self.token = self._sign_in()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: Request, *, signed_in: bool) -> Answer:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        headers = {"Accept": "application/json"}
        if signed_in:
            headers["Authorization"] = f"Bearer {self.token}"
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(request.method, request.path, request.body, headers)
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, json.loads(content) if content else None)
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """User and system time of all processes of the tree so far, those that ended included."""
        beside = [one for root in self._beside for one in (root, *root.children(recursive=True))]
        return sum(sum(process.cpu_times()[:4]) for process in (*self._processes(), *beside))

    def memory_bytes(self) -> int:
        """Proportional set size: memory that processes share is counted once."""
        return sum(process.memory_full_info().pss for process in self._processes())

    def own_bytes(self) -> int:
        """Memory of the largest process of the tree that no file stands behind."""
        return max(own_bytes(process.pid) for process in self._processes())

    def stop(self) -> None:
        """The whole tree, gently first."""
        processes = self._processes() if self._process.poll() is None else []
        self._process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=10)
        for process in alive:
            process.kill()
        self._process.wait()

    def _processes(self) -> list[psutil.Process]:
        return [self._tree, *self._tree.children(recursive=True)]

    def _wait_until_up(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                if self.ask(Request("GET", "/api/v1/movies/genres/"), signed_in=False).status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise CannotStart(f"{self.name} did not come up. The end of its log:\n{log.read_text()[-3_000:]}")

    def _sign_in(self) -> str:
        body = json.dumps({"username": USERNAME, "password": PASSWORD})
        answer = self.ask(Request("POST", LOGIN, body), signed_in=False)
        if answer.status != 200:
            raise CannotStart(f"{self.name} does not let the benchmark's person in: {answer}")
        return str(answer.body["access"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
