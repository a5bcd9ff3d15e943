"""The servers that are measured, each a tree of processes on this machine with two workers."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.http.client import HOST, Request
from benchmarks.venvs import BENCHMARKS, PEERS, python_of, versions_of
from matinee.operations.memory import KEEP_MEMORY

PEER = PEERS / "drf"
WORKERS = 2
PEER_THREADS = 4
THREADS_ON_SQLITE = "1"  # as `matinee serve` has it
START_SECONDS = 60
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
        self, name: str, command: Sequence[str], *, port: int, folder: Path, env: Mapping[str, str], log: Path
    ) -> None:
        """Raises CannotStart."""
        self.name = name
        self.port = port
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self._tree = psutil.Process(self._process.pid)
        try:
            self._wait_until_up(log)
            self.token = self._sign_in()
        except BaseException:
            self.stop()
            raise

    def ask(self, request: Request, *, signed_in: bool) -> Answer:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
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
        return sum(sum(process.cpu_times()[:4]) for process in self._processes())

    def memory_bytes(self) -> int:
        """Proportional set size: memory that processes share is counted once."""
        return sum(process.memory_full_info().pss for process in self._processes())

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


def prepare_matinee(folder: Path, films: int, rows: Path) -> dict[str, str]:
    """Fill Matinee's database below `folder`, write `rows` for the peer; returns the environment that it serves in."""
    env = environment_of(folder)
    fill = [sys.executable, "-m", "benchmarks.http.dataset", "--films", str(films), "--out", str(rows)]
    subprocess.run([*fill, "--username", USERNAME, "--password", PASSWORD], cwd=BENCHMARKS.parent, env=env, check=True)
    return env


def environment_of(folder: Path) -> dict[str, str]:
    """What Matinee's programs run in whose data is below `folder`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
    return env | {
        "MATINEE_DATA_DIR": str(folder / "matinee"),
        "MATINEE_ACCESS_TOKEN_SECONDS": "86400",
        "DJANGO_SETTINGS_MODULE": "matinee.settings",
    }


def learn(env: Mapping[str, str], community: str) -> str:
    """Train a model; returns on what. Without the community ratings at hand, on people's own and on content."""
    matinee = [sys.executable, "-m", "matinee.cli"]
    load = subprocess.run([*matinee, "load", "movielens", community], env=env, check=False, stdout=subprocess.DEVNULL)
    subprocess.run([*matinee, "train"], env=env, check=True, stdout=subprocess.DEVNULL)
    if load.returncode == 0:
        return f"MovieLens {community} and the benchmark's own people"
    return "the benchmark's own people alone (no community ratings could be loaded)"


def start_matinee(env: Mapping[str, str], log: Path) -> Server:
    """The web workers alone, as `matinee serve` runs them: the job worker answers no requests."""
    port = _free_port()
    command = [sys.executable, "-P", "-m", "matinee.operations.web", HOST, str(port), str(WORKERS), THREADS_ON_SQLITE]
    serving = {**env, **KEEP_MEMORY}
    return Server("Matinee", command, port=port, folder=BENCHMARKS.parent, env=serving, log=log)


def prepare_peer(folder: Path, rows: Path) -> dict[str, str]:
    """Install the peer's own packages once, and load `rows`; returns the environment that it serves in."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MATINEE_", "DJANGO_", "PYTHON"))}
    env |= {"PEER_DATABASE": str(folder / "drf.sqlite3"), "PEER_SECRET_KEY": secrets.token_hex(32)}
    manage = [str(python_of("drf")), "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=PEER, env=env, check=True)
    subprocess.run([*manage, "load_films", str(rows)], cwd=PEER, env=env, check=True)
    return env


def start_peer(env: Mapping[str, str], log: Path) -> Server:
    """gunicorn with threads, which keep connections open; its default worker closes each after one answer."""
    port = _free_port()
    gunicorn = [str(python_of("drf")), "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers", str(WORKERS)]
    command = [*gunicorn, "--threads", str(PEER_THREADS), "project.wsgi:application"]
    return Server("Django REST framework", command, port=port, folder=PEER, env=env, log=log)


def peer_versions() -> dict[str, str]:
    names = ["django", "djangorestframework", "django-filter", "djangorestframework-simplejwt", "gunicorn"]
    return versions_of("drf", names)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
