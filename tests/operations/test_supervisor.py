"""The tree restarts what dies, says what can't start, and leaves nothing behind."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from matinee.operations import supervisor
from matinee.operations.supervisor import CannotStart, Child, Supervisor
from tests.operations.processes import all_gone, eventually, start, tree_of

# What a child does; `file` is where it notes each start by a line.
STAY = "note(); time.sleep(60)"
BE_DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); note(); time.sleep(60)"
DIE = "note(); sys.exit(3)"
BE_KILLED = "note(); os.kill(os.getpid(), signal.SIGKILL)"
DIE_ONCE = "note(); sys.exit(3) if starts() == 1 else time.sleep(60)"
REFUSE_CONFIGURATION = "note(); sys.exit(os.EX_CONFIG)"
PROLOGUE = """
import os, signal, sys, time
def note():
    with file.open("a") as notes: notes.write("started\\n")
def starts(): return len(file.read_text().splitlines())
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LOOK_EVERY_SECONDS", 0.02)


def act(code: str, notes: Path) -> None:
    exec(PROLOGUE + code, {"file": notes})


def child(notes: Path, code: str, *, answers: bool = False) -> Child:
    return Child(notes.name, partial(act, code, notes), answers=answers)


def starts(notes: Path) -> int:
    return len(notes.read_text().splitlines()) if notes.exists() else 0


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def exit_code(ended: Child) -> int | None:
    return ended.process.exitcode if ended.process else None


def children_of_this_process() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@pytest.fixture(name="nothing_is_left")
def _nothing_is_left() -> Callable[[], bool]:
    """Says whether all that was started since is gone; earlier tests of this process may have left helpers running."""
    before = children_of_this_process()
    return lambda: all_gone(list(children_of_this_process() - before))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_asks_each_child_and_leaves_none(
    tmp_path: Path, nothing_is_left: Callable[[], bool], number: signal.Signals
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    children = [child(first, STAY, answers=True), child(second, STAY)]
    before = signal.getsignal(number)

    def stop_once_both_run() -> None:
        eventually(lambda: starts(second) == 1)
        os.kill(os.getpid(), number)

    Supervisor(children, is_up=first.exists, announce=lambda: threading.Thread(target=stop_once_both_run).start()).run()

    assert [exit_code(ended) for ended in children] == [-signal.SIGTERM, -signal.SIGTERM]
    assert nothing_is_left()
    assert signal.getsignal(number) == before


def test_a_child_that_does_not_listen_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    deaf = child(tmp_path / "deaf", BE_DEAF, answers=True)

    Supervisor([deaf], is_up=lambda: starts(tmp_path / "deaf") == 1, announce=stop, grace_seconds=0.2).run()

    assert exit_code(deaf) == -signal.SIGKILL


def test_a_second_signal_kills_at_once(tmp_path: Path) -> None:
    deaf = child(tmp_path / "deaf", BE_DEAF, answers=True)
    began = time.monotonic()

    def stop_twice() -> None:
        stop()
        threading.Timer(0.1, stop).start()

    Supervisor([deaf], is_up=lambda: starts(tmp_path / "deaf") == 1, announce=stop_twice, grace_seconds=60).run()

    assert time.monotonic() - began < 30
    assert exit_code(deaf) == -signal.SIGKILL


def test_told_to_stop_a_child_that_answers_goes_on_while_it_drains(tmp_path: Path) -> None:
    first, second = child(tmp_path / "first", STAY, answers=True), child(tmp_path / "second", STAY)
    seen: list[tuple[bool, bool]] = []

    def drain() -> None:
        seen.append((eventually(lambda: not second.is_alive()), first.is_alive()))

    def stop_once_both_run() -> None:
        eventually(lambda: starts(tmp_path / "second") == 1)
        stop()

    announce = threading.Thread(target=stop_once_both_run).start
    Supervisor([first, second], announce=announce, drain=drain, drain_seconds=0.05).run()

    assert seen == [(True, True)]
    assert exit_code(first) == -signal.SIGTERM


def test_a_second_signal_ends_the_draining(tmp_path: Path) -> None:
    notes = tmp_path / "first"
    began = time.monotonic()

    Supervisor(
        [child(notes, STAY, answers=True)],
        is_up=lambda: starts(notes) == 1,
        announce=stop,
        drain=stop,
        drain_seconds=60,
    ).run()

    assert time.monotonic() - began < 30


def test_a_child_that_dies_is_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notes = tmp_path / "mortal"

    with caplog.at_level(logging.ERROR):
        Supervisor([child(notes, DIE_ONCE, answers=True)], is_up=lambda: starts(notes) == 2, announce=stop).run()

    assert starts(notes) == 2
    assert "The mortal ended with 3" in caplog.text


def test_children_that_answer_are_up_before_the_others_start(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    seen: list[int] = []

    def announce() -> None:
        seen.append(starts(second))
        stop()

    Supervisor([child(second, STAY), child(first, STAY, answers=True)], is_up=first.exists, announce=announce).run()

    assert seen == [0]


def test_a_child_that_does_not_stay_up_ends_the_tree_by_name(
    tmp_path: Path, nothing_is_left: Callable[[], bool]
) -> None:
    steady, broken = child(tmp_path / "steady", STAY), child(tmp_path / "broken", DIE)

    with pytest.raises(CannotStart, match=r"broken does not stay up .*exit code is 3"):
        Supervisor([steady, broken]).run()

    assert starts(tmp_path / "broken") == supervisor.TRIES
    assert nothing_is_left()


def test_a_child_that_has_been_steady_may_die_more_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STEADY_AFTER_SECONDS", 0.0)
    notes = tmp_path / "mortal"

    Supervisor([child(notes, DIE, answers=True)], is_up=lambda: starts(notes) > supervisor.TRIES, announce=stop).run()

    assert starts(notes) > supervisor.TRIES


def test_a_wrong_setting_ends_the_tree_at_once(tmp_path: Path) -> None:
    with pytest.raises(CannotStart):
        Supervisor([child(tmp_path / "refusing", REFUSE_CONFIGURATION)]).run()

    assert starts(tmp_path / "refusing") == 1


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    notes = tmp_path / "orphan"
    supervise = f"""
import pathlib, time
from matinee.operations.supervisor import Child, Supervisor
def stay():
    pathlib.Path({str(notes)!r}).write_text("started\\n")
    time.sleep(60)
Supervisor([Child("orphan", stay)]).run()
"""
    parent = start(["-c", supervise])
    assert eventually(lambda: starts(notes) == 1)
    tree = tree_of(parent)
    assert len(tree) == 2

    parent.kill()
    parent.communicate()

    assert eventually(lambda: all_gone(tree), within=3)


def test_a_child_that_others_kill_again_and_again_is_started_again(tmp_path: Path) -> None:
    notes = tmp_path / "victim"

    Supervisor(
        [child(notes, BE_KILLED, answers=True)], is_up=lambda: starts(notes) > supervisor.TRIES, announce=stop
    ).run()

    assert starts(notes) > supervisor.TRIES


def test_the_tree_goes_on_without_a_child_that_is_not_vital_and_tries_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MOST_DOUBLINGS", 1)
    steady, dying = child(tmp_path / "steady", STAY), child(tmp_path / "dying", DIE)
    dying.is_vital = False

    def stop_after_many_ends() -> None:
        eventually(lambda: starts(tmp_path / "dying") > supervisor.TRIES)
        stop()

    Supervisor([steady, dying], announce=lambda: threading.Thread(target=stop_after_many_ends).start()).run()

    assert starts(tmp_path / "dying") > supervisor.TRIES
    assert starts(tmp_path / "steady") == 1
