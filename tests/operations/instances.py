"""An instance of Matinee of its own, as a person would start it: a data directory, a database, a free port."""

from __future__ import annotations

import secrets
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from django.conf import settings

from tests.operations.processes import all_gone, eventually, free_port, start, tree_of

UNREACHABLE = "http://127.0.0.1:9"  # the discard port: nothing answers


@dataclass
class Instance:
    """A started `matinee` command, and what it has printed so far."""

    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def is_serving(self) -> bool:
        return "Matinee answers at" in self.output or self.process.poll() is not None


@contextmanager
def started(folder: Path, *command: str, **environment: str) -> Iterator[Instance]:
    """`matinee <command> --port <free>` with `folder` as its data directory, answering; nothing of it is left after."""
    with database() as url, started_on(url, folder, *command, **environment) as instance:
        yield instance


@contextmanager
def started_on(url: str, folder: Path, *command: str, by: Sequence[str] = (), **environment: str) -> Iterator[Instance]:
    """The same on a database that is there. `by` is a program that becomes the command that follows it."""
    port = free_port()
    arguments = ["-m", "matinee.cli", *command, "--port", str(port)]
    process = start(arguments, by=by, **environment_of(url, folder), **environment)
    instance = Instance(port, process)
    reader = threading.Thread(target=instance.read)
    reader.start()
    try:
        assert eventually(instance.is_serving, within=90), instance.output
        assert process.poll() is None, instance.output
        yield instance
    finally:
        tree = tree_of(process) if process.poll() is None else []
        process.terminate()
        process.wait(timeout=60)
        reader.join(timeout=60)
        assert eventually(lambda: all_gone(tree), within=5)


def environment_of(url: str, folder: Path) -> dict[str, str]:
    return {"MATINEE_DATA_DIR": str(folder), "MATINEE_DATABASE_URL": url, "MATINEE_MODE": "embedded"}


@contextmanager
def database(of: str | None = None) -> Iterator[str]:
    """The address of an empty database of the kind that these tests run on; `of` is that of another PostgreSQL."""
    if settings.EMBEDDED_DATABASE:
        yield ""
        return
    name, address = f"instance_{secrets.token_hex(4)}", of or settings.DATABASE_URL
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield address.replace("/postgres?", f"/{name}?")
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
