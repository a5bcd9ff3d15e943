"""Tasks that the tests of jobs run; each leaves an effect that a test can count."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django_tasks import task

ran: list[str] = []
on_act: Callable[[], Any] = list


@task()
def note(word: str = "done") -> str:
    ran.append(word)
    return word.upper()


@task()
def fail(word: str = "failed") -> None:
    ran.append(word)
    raise RuntimeError(f"{word} on purpose")


@task()
def act() -> Any:
    """Do what the test has put in `on_act`."""
    return on_act()


@task(queue_name="training")
def train() -> None:
    ran.append("trained")


@task()
def touch(path: str, seconds: float) -> None:
    """Make the file; `<path>.starts` gets a line each time this begins. Its effect is safe to repeat."""
    with Path(f"{path}.starts").open("a", encoding="ascii") as starts:
        starts.write("started\n")
    time.sleep(seconds)
    Path(path).touch()
