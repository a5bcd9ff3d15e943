"""Tasks that the tests of jobs run; each leaves an effect that a test can count."""

from __future__ import annotations

import time
from pathlib import Path

from django_tasks import task

ran: list[str] = []


@task()
def note(word: str = "done") -> str:
    ran.append(word)
    return word.upper()


@task()
def fail(word: str = "failed") -> None:
    ran.append(word)
    raise RuntimeError(f"{word} on purpose")


@task()
def interrupt() -> None:
    raise SystemExit(3)


@task(queue_name="training")
def train() -> None:
    ran.append("trained")


@task()
def touch(path: str, seconds: float = 0.0) -> None:
    """Make the file if it is not there; says by a line in `<path>.starts` each time it was begun."""
    with Path(f"{path}.starts").open("a", encoding="ascii") as starts:
        starts.write("started\n")
    time.sleep(seconds)
    Path(path).touch()
