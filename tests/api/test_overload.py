"""From when on, and until when, it is too much: the rule by itself, with a clock that is given."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee.api.overload import (
    GROWING_SECONDS,
    LATE_SECONDS,
    LONGEST_ON_CORES_SECONDS,
    LOOK_EVERY_SECONDS,
    MARK,
    MORE_WAITING,
    MOST_WAITING,
    STANDING_SECONDS,
    STEP_SECONDS,
    STUCK_SECONDS,
    TOLD_FOR_SECONDS,
    Overload,
    tell_tree,
    told_by_tree,
)
from matinee.core.processes import SHARED_FOLDER


def admits(overload: Overload, *, waiting: int, now: float) -> bool:
    """Whether one more may wait, and not in the place of those."""
    return overload.admits(waiting=waiting, longest=0.01, now=now) and not overload.is_too_much


def too_much() -> Overload:
    """From the moment 0 on."""
    overload = Overload()
    assert not admits(overload, waiting=MOST_WAITING, now=0.0)
    return overload


def hundredths(begin: float, end: float) -> Iterator[float]:
    return (number / 100 for number in range(round(begin * 100), round(end * 100)))


def test_many_may_wait_in_a_pulse() -> None:
    overload = Overload()

    assert all(admits(overload, waiting=waiting, now=0.0) for waiting in range(MOST_WAITING))
    assert overload.may_wait == MOST_WAITING


def test_once_as_many_wait_as_may_nobody_may_but_who_came_last() -> None:
    overload = too_much()

    assert not admits(overload, waiting=0, now=1.0)
    assert overload.admits(waiting=1, longest=0.01, now=1.0)
    assert overload.may_wait == 0


def rest_after(overload: Overload, *, took: float) -> float:
    overload.turn_came(after=0.0, now=1.0)
    return overload.rest_after(now=1.0 + took)


def test_where_it_is_too_much_a_turn_rests_no_longer_than_the_answer_took() -> None:
    assert rest_after(too_much(), took=0.01) == pytest.approx(0.01)


def test_it_does_not_after_a_long_wait_or_where_others_may_wait() -> None:
    assert rest_after(too_much(), took=1.01 * LONGEST_ON_CORES_SECONDS) == 0.0
    assert rest_after(Overload(), took=0.01) == 0.0


def test_where_it_is_too_much_nobody_is_to_be_brought_while_an_answer_is_made_that_does_not_take_too_long() -> None:
    overload, fine = too_much(), Overload()
    for each in (overload, fine):
        each.turn_came(after=0.0, now=1.0)

    assert overload.quiet_for(now=1.01) == pytest.approx(LONGEST_ON_CORES_SECONDS - 0.01)
    assert overload.quiet_for(now=1.0 + LONGEST_ON_CORES_SECONDS) == 0.0
    assert fine.quiet_for(now=1.01) == 0.0


def test_while_a_queue_grows_the_newest_is_next_and_then_the_oldest() -> None:
    overload = Overload()
    short, grown = MORE_WAITING, MORE_WAITING + 10

    assert not overload.newest_is_next(waiting=short, now=0.0)
    for waiting in range(short + 1, grown + 1):
        assert overload.newest_is_next(waiting=waiting, now=waiting * 0.1 * GROWING_SECONDS)
    grew_at = grown * 0.1 * GROWING_SECONDS

    assert overload.newest_is_next(waiting=grown, now=grew_at + 0.99 * GROWING_SECONDS)
    assert not overload.newest_is_next(waiting=grown, now=grew_at + GROWING_SECONDS)
    assert not overload.newest_is_next(waiting=short, now=grew_at + GROWING_SECONDS)
    assert overload.newest_is_next(waiting=short + 1, now=grew_at + GROWING_SECONDS), "it is long anew"


def test_while_it_is_tried_whether_it_is_too_much_the_newest_is_next() -> None:
    overload = too_much()
    assert admits(overload, waiting=0, now=STEP_SECONDS)

    assert not overload.newest_is_next(waiting=1, now=STEP_SECONDS)
    assert overload.newest_is_next(waiting=2, now=STEP_SECONDS)


def test_the_oldest_do_not_wait_for_long_where_a_queue_grows_slowly() -> None:
    """In twenty milliseconds twenty are answered and 21 come."""
    overload, waiting = Overload(), deque([0.0] * (MORE_WAITING + 1))
    for millisecond in range(2_000):
        now = millisecond / 1_000
        newest_is_next = overload.newest_is_next(waiting=len(waiting), now=now)
        since = waiting.pop() if newest_is_next else waiting.popleft()
        overload.turn_came(after=now - since, now=now)
        for _ in range(1 + (millisecond % 20 == 0)):
            assert admits(overload, waiting=len(waiting), now=now)
            waiting.append(now)

        assert now - waiting[0] < LATE_SECONDS


def test_of_those_who_are_answered_where_it_is_too_much_next_to_nobody_has_waited_for_long() -> None:
    """For a minute, in which each millisecond one is answered and three come."""
    overload, waiting = Overload(), deque[float]()
    waited: list[float] = []
    for now in (millisecond / 1_000 for millisecond in range(60_000)):
        is_free = not waiting
        if waiting:
            since = waiting.pop() if overload.newest_is_next(waiting=len(waiting), now=now) else waiting.popleft()
            waited.append(now - since)
            overload.turn_came(after=waited[-1], now=now)
        for _ in range(3):
            if is_free:
                is_free = False
                waited.append(0.0)
                overload.turn_came(after=0.0, now=now)
            elif overload.admits(waiting=len(waiting), longest=now - waiting[0] if waiting else 0.0, now=now):
                waiting.append(now)
        while len(waiting) > max(overload.may_wait, 1):
            waiting.popleft() if overload.is_too_much else waiting.pop()

    assert overload.may_wait == 0
    assert len(waited) > 59_000
    assert max(waited) < 0.01


def test_turns_that_come_late_for_a_while_are_too_much_however_few_wait() -> None:
    overload = Overload()

    for now in hundredths(0, STANDING_SECONDS):
        overload.turn_came(after=LATE_SECONDS, now=now)
        assert overload.may_wait == MOST_WAITING
    overload.turn_came(after=LATE_SECONDS, now=STANDING_SECONDS)

    assert overload.may_wait == 0


def test_a_queue_that_runs_empty_in_between_does_not_stand() -> None:
    overload = Overload()

    for number, now in enumerate(hundredths(0, 10)):
        overload.turn_came(after=0.0 if number % 20 == 0 else 1.0, now=now)

    assert overload.may_wait == MOST_WAITING


def test_a_disk_that_stands_still_for_two_seconds_is_not_too_much() -> None:
    overload = Overload()
    overload.turn_came(after=0.0, now=0.0)

    assert all(overload.admits(waiting=10, longest=now, now=now) for now in hundredths(0, 2))
    for number, now in enumerate(hundredths(2, 2.2)):
        overload.turn_came(after=2.0 - number / 10, now=now)

    assert overload.may_wait == MOST_WAITING


def test_where_nobody_gets_a_turn_any_more_who_comes_is_refused() -> None:
    overload = Overload()

    assert not overload.admits(waiting=1, longest=STUCK_SECONDS, now=STUCK_SECONDS)
    assert overload.may_wait == MOST_WAITING
    assert admits(overload, waiting=0, now=STUCK_SECONDS)


def test_as_long_as_it_is_too_much_more_than_one_wait_only_for_a_moment_every_few_seconds() -> None:
    """A queue in which, whenever one more may wait, one more does."""
    overload = too_much()

    waiting, lengths = 0, list[int]()
    for now in hundredths(0, 40):
        while admits(overload, waiting=waiting, now=now):
            waiting += 1
        lengths.append(waiting)
        waiting = min(waiting, overload.may_wait)

    assert [length for length in lengths if length] == [8, 16, 8, 32, 8, 16, 8, 64, 8]


def test_it_ends_two_steps_after_the_others_went_whether_somebody_comes_in_between_or_not() -> None:
    overload, unasked = too_much(), too_much()

    assert admits(overload, waiting=0, now=STEP_SECONDS)
    assert overload.may_wait == MORE_WAITING
    for asked in (overload, unasked):
        assert admits(asked, waiting=MORE_WAITING, now=2 * STEP_SECONDS)
        assert asked.may_wait == MOST_WAITING


def test_it_ends_for_who_comes_alone_too_and_never_has_to_wait() -> None:
    overload = too_much()

    for now in hundredths(0, 2 * STEP_SECONDS):
        overload.turn_came(after=0.0, now=now)
        assert overload.may_wait < MOST_WAITING
    overload.turn_came(after=0.0, now=2 * STEP_SECONDS)

    assert overload.may_wait == MOST_WAITING


@pytest.mark.parametrize(("connections", "tries"), [(8, 1), (9, 1), (16, 2), (17, 2), (50, 8), (129, 16), (160, 32)])
def test_clients_that_come_again_at_once_are_let_in_again(connections: int, tries: int) -> None:
    """None of whom obeys the Retry-After: one has its turn, and all others wait or ask again."""
    overload = too_much()

    refused, waiting = 0.0, 0
    for now in hundredths(0, 200):
        waiting = max(waiting - 1, 0)
        while waiting < connections - 1 and admits(overload, waiting=waiting, now=now):
            waiting += 1
        if waiting < connections - 1:
            refused, waiting = now, 0

    assert refused < tries * STEP_SECONDS
    assert overload.may_wait == MOST_WAITING


def test_so_are_those_of_two_workers_that_tell_each_other() -> None:
    marked: dict[str, float] = {}
    now = 0.0

    def worker(name: str, other: str) -> Overload:
        return Overload(
            tell_others=lambda: marked.update({name: now}),
            others_told=lambda: now - marked.get(other, -TOLD_FOR_SECONDS) < TOLD_FOR_SECONDS,
        )

    workers = [(worker("one", "other"), 100), (worker("other", "one"), 12)]
    for overload, _ in workers:
        assert not admits(overload, waiting=MOST_WAITING, now=now)
    refused = 0.0
    for now in hundredths(0, 200):
        for overload, connections in workers:
            if not all(admits(overload, waiting=waiting, now=now) for waiting in range(connections - 1)):
                refused = now

    assert refused < 100
    assert all(overload.may_wait == MOST_WAITING for overload, _ in workers)


def test_where_another_worker_finds_it_too_much_no_more_may_wait_than_where_it_is_tried() -> None:
    """As where a client has fifty connections, all of which wait here, and sends the rest to the one that refuses."""
    told: list[str] = []
    one = Overload(tell_others=lambda: told.append("too much"))
    other = Overload(others_told=lambda: bool(told))
    assert all(admits(other, waiting=50, now=now) for now in hundredths(0, 60))

    assert not admits(one, waiting=MOST_WAITING, now=60.0)
    at = 60.0 + LOOK_EVERY_SECONDS

    assert told == ["too much"]
    assert admits(other, waiting=MORE_WAITING - 1, now=at)
    assert not admits(other, waiting=MORE_WAITING, now=at)
    assert other.may_wait == 0


def test_each_time_that_it_is_still_too_much_the_others_are_told_before_they_forget() -> None:
    told: list[float] = []
    now = 0.0
    overload = Overload(tell_others=lambda: told.append(now))
    for now in hundredths(0, 60):
        admits(overload, waiting=MOST_WAITING, now=now)

    assert max(later - before for before, later in itertools.pairwise(told)) < TOLD_FOR_SECONDS
    assert TOLD_FOR_SECONDS < 2 * STEP_SECONDS, "or it would still believe itself when more may wait again"


def test_workers_of_a_tree_tell_each_other_by_a_file_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path))
    before = told_by_tree()

    tell_tree()
    told = told_by_tree()
    at = (tmp_path / MARK).stat().st_mtime - TOLD_FOR_SECONDS
    os.utime(tmp_path / MARK, (at, at))

    assert (before, told, told_by_tree()) == (False, True, False)
    monkeypatch.delenv(SHARED_FOLDER)
    tell_tree()
    assert not told_by_tree()
