"""Something that a service uses is away for a while, half a minute in `make soak`, and people go on all the while: they
read, write, and try to get in where they may not."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from matinee.api.overload import TOO_MUCH
from tests.operations.instances import Instance
from tests.operations.processes import eventually
from tests.operations.test_killed_processes import (
    FILMS,
    NO_ANSWER,
    PASSWORD,
    READY_AGAIN_WITHIN,
    Writer,
    ask,
    at_work,
    called,
    load,
    processes_of,
)
from tests.rounds import TIMES, rounds

SECONDS = rounds(3)
"""So long it is away."""
PAUSE_SECONDS = 0.1
"""Of each who asks, so that all together ask for less than two cores can answer."""
READS = ("movies/", f"movies/{FILMS[0]}/", "movies/search/?q=film", "movies/recommendations/", "users/profile/")
ALICE = {"email": "alice@example.org", "username": "alice", "password": PASSWORD}
WRONG_PASSWORD, FORGED_TOKEN, ENDED_SESSION = "a wrong password", "a forged token", "an ended session"
ELSEWHERE_BUSY = {TOO_MUCH} if TIMES == 1 else set()
"""How a machine answers, too, that has others to work for; in `make soak` it has none."""
Answers = Counter[str]


@dataclass
class Asker:
    """Somebody who sends one request again and again."""

    method: str
    path: str
    body: Any = None
    token: str | None = None
    pause_seconds: float = PAUSE_SECONDS
    answers: Answers = field(default_factory=Answers)

    def work(self, port: int, stop: threading.Event) -> None:
        while not stop.wait(self.pause_seconds):
            try:
                status, told = ask(port, self.method, self.path, self.body, self.token)
                self.answers[called(status, told)] += 1
            except (OSError, http.client.HTTPException):
                self.answers[NO_ANSWER] += 1


@dataclass(frozen=True)
class Outage:
    """How requests were answered since just before it began, until all was well again."""

    reads: dict[str, Answers]
    writes: Answers
    tries: dict[str, Answers]
    """Of those who may not get in."""


@dataclass
class Crowd:
    instance: Instance
    writers: list[Writer]
    readers: dict[str, Asker]
    strangers: dict[str, Asker]

    def through(self, away: AbstractContextManager[object], *, is_well: Callable[[], bool] = lambda: True) -> Outage:
        """What they get while `away` lasts. It ends when each write succeeds again and `is_well` says so, too."""
        workers, before = processes_of(self.instance)["web worker"], self._so_far()
        with away:
            time.sleep(SECONDS)
        ended_at, done = time.monotonic(), self._done()

        def is_as_before() -> bool:
            return all(now > then for now, then in zip(self._done(), done, strict=True)) and is_well()

        assert eventually(is_as_before, within=90)
        back_after = time.monotonic() - ended_at
        if TIMES > 1:
            assert back_after <= READY_AGAIN_WITHIN
        assert processes_of(self.instance)["web worker"] == workers, "none was started again"
        after = self._so_far()
        return Outage(
            reads={path: after.reads[path] - before.reads[path] for path in after.reads},
            writes=after.writes - before.writes,
            tries={kind: after.tries[kind] - before.tries[kind] for kind in after.tries},
        )

    def _done(self) -> list[int]:
        return [writer.answers["200"] + writer.answers["201"] for writer in self.writers]

    def _so_far(self) -> Outage:
        return Outage(
            reads={path: Answers(asker.answers) for path, asker in self.readers.items()},
            writes=sum((Answers(writer.answers) for writer in self.writers), Answers()),
            tries={kind: Answers(asker.answers) for kind, asker in self.strangers.items()},
        )


@contextmanager
def crowd(instance: Instance) -> Iterator[Crowd]:
    """All of them at work, and each answered already."""
    port = instance.port
    status, alice = ask(port, "POST", "users/register/", ALICE)
    assert status == 201, alice
    _, ended = ask(port, "POST", "users/login/", {"username": "alice", "password": PASSWORD})
    assert ask(port, "POST", "users/logout/", {"refresh": ended["refresh"]}, ended["access"])[0] == 204
    token = alice["access"]
    wrong = {"username": "alice", "password": f"{PASSWORD}!"}
    readers = {path: Asker("GET", path, token=token) for path in READS}
    strangers = {
        WRONG_PASSWORD: Asker("POST", "users/login/", wrong, pause_seconds=0.2),
        FORGED_TOKEN: Asker("GET", "users/profile/", token=f"{token[:-8]}AAAAAAAA"),
        ENDED_SESSION: Asker("GET", "users/profile/", token=ended["access"]),
    }
    with ExitStack() as working:
        writers = working.enter_context(load(port, pause_seconds=PAUSE_SECONDS))
        working.enter_context(at_work(port, [*readers.values(), *strangers.values()]))
        counted = [writer.answers for writer in writers]
        counted += [asker.answers for asker in (*readers.values(), *strangers.values())]
        assert eventually(lambda: all(counted), within=90)
        yield Crowd(instance, writers, readers, strangers)


def is_kept_up(outage: Outage) -> None:
    """What is promised whatever is away: reads are answered, and nobody gets in who may not."""
    for path, answers in outage.reads.items():
        assert answers["200"], path
        assert set(answers) <= {"200", *ELSEWHERE_BUSY}, path
    assert set(outage.tries[FORGED_TOKEN]) <= {"401", *ELSEWHERE_BUSY}
    assert set(outage.tries[ENDED_SESSION]) <= {"401", *ELSEWHERE_BUSY}
    assert set(outage.tries[WRONG_PASSWORD]) <= {"401", "429", "503", *ELSEWHERE_BUSY}
