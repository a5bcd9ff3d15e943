"""From when on, and until when, it is too much: the rule by itself, with a clock that is given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matinee.api.overload import (
    FEW,
    MORE_WAITING,
    MOST_WAITING,
    STANDING_SECONDS,
    STEP_SECONDS,
    STUCK_SECONDS,
    Overload,
)

FEW_WAITING = FEW - 1


def admits(overload: Overload, *, waiting: int, now: float) -> bool:
    return overload.admits(waiting=waiting, longest=0.01, now=now)


def too_much() -> Overload:
    """From the moment 0 on."""
    overload = Overload(turns=1)
    assert not admits(overload, waiting=MOST_WAITING, now=0.0)
    return overload


def hundredths(begin: float, end: float) -> Iterator[float]:
    return (number / 100 for number in range(round(begin * 100), round(end * 100)))


def test_many_may_wait_in_a_pulse() -> None:
    overload = Overload(turns=1)

    assert all(admits(overload, waiting=waiting, now=0.0) for waiting in range(MOST_WAITING))
    assert overload.may_wait == MOST_WAITING


def test_once_as_many_wait_as_may_only_a_few_may_wait() -> None:
    overload = too_much()

    assert admits(overload, waiting=FEW_WAITING - 1, now=1.0)
    assert not admits(overload, waiting=FEW_WAITING, now=1.0)


def test_a_queue_that_stands_is_too_much_however_far_it_is_from_full() -> None:
    """As where clients have so many connections, each of which waits for its answer, and no more."""
    overload = Overload(turns=1)

    overload.turn_came(waiting=MORE_WAITING + 1, now=0.0)
    for now in hundredths(0, STANDING_SECONDS):
        overload.turn_came(waiting=1, now=now)
        assert overload.may_wait == MOST_WAITING
    overload.turn_came(waiting=1, now=STANDING_SECONDS)

    assert overload.may_wait == FEW_WAITING


def test_a_queue_that_runs_empty_in_between_does_not_stand() -> None:
    overload = Overload(turns=1)

    for number, now in enumerate(hundredths(0, 10)):
        overload.turn_came(waiting=0 if number % 90 == 0 else MOST_WAITING - 1, now=now)

    assert overload.may_wait == MOST_WAITING


def test_clients_that_are_no_more_than_may_wait_where_it_is_tried_are_never_too_many() -> None:
    overload = Overload(turns=1)

    for now in hundredths(0, 60):
        overload.turn_came(waiting=MORE_WAITING, now=now)

    assert overload.may_wait == MOST_WAITING


@pytest.mark.parametrize("milliseconds", [1, 5])
def test_of_a_pulse_nobody_is_turned_away(milliseconds: int) -> None:
    overload = Overload(turns=1)
    assert all(admits(overload, waiting=waiting, now=0.0) for waiting in range(MOST_WAITING))

    for waiting in reversed(range(MOST_WAITING)):
        overload.turn_came(waiting=waiting, now=(MOST_WAITING - waiting) * milliseconds / 1_000)

    assert overload.may_wait == MOST_WAITING


def test_a_disk_that_stands_still_for_two_seconds_is_not_too_much() -> None:
    overload = Overload(turns=1)
    overload.turn_came(waiting=0, now=0.0)

    assert all(overload.admits(waiting=100, longest=now, now=now) for now in hundredths(0, 2))
    for number, now in enumerate(hundredths(2, 2.2)):
        overload.turn_came(waiting=100 - 5 * number, now=now)

    assert overload.may_wait == MOST_WAITING


def test_where_nobody_gets_a_turn_any_more_who_comes_is_refused() -> None:
    overload = Overload(turns=1)

    assert not overload.admits(waiting=1, longest=STUCK_SECONDS, now=STUCK_SECONDS)
    assert overload.may_wait == MOST_WAITING
    assert admits(overload, waiting=0, now=STUCK_SECONDS)


def test_as_long_as_it_is_too_much_few_wait_but_for_a_moment_every_few_seconds() -> None:
    """A queue in which, whenever one more may wait, one more does."""
    overload = too_much()

    waiting, lengths = 0, list[int]()
    for now in hundredths(0, 60):
        while admits(overload, waiting=waiting, now=now):
            waiting += 1
        lengths.append(waiting)
        waiting = min(waiting, overload.may_wait)

    assert set(lengths) == {FEW_WAITING, MORE_WAITING}
    assert lengths.count(MORE_WAITING) <= 60 / STEP_SECONDS


def test_it_ends_two_steps_after_the_others_went_whether_somebody_comes_in_between_or_not() -> None:
    overload, unasked = too_much(), too_much()

    assert admits(overload, waiting=FEW_WAITING, now=STEP_SECONDS)
    assert overload.may_wait == MORE_WAITING
    for asked in (overload, unasked):
        assert admits(asked, waiting=MORE_WAITING, now=2 * STEP_SECONDS)
        assert asked.may_wait == MOST_WAITING


def test_where_there_are_as_many_turns_as_may_be_in_nobody_waits() -> None:
    overload = Overload(turns=FEW + 1)
    assert not admits(overload, waiting=MOST_WAITING, now=0.0)

    assert not admits(overload, waiting=0, now=1.0)


def test_clients_that_come_again_at_once_are_let_in_again() -> None:
    """No more of them than may wait when it is tried, none of whom obeys the Retry-After: nor does their queue ever run
    empty."""
    overload = Overload(turns=1)
    for now in (0.0, STANDING_SECONDS):
        overload.turn_came(waiting=MORE_WAITING + 1, now=now)

    refused = []
    for now in hundredths(STANDING_SECONDS, 60):
        if not admits(overload, waiting=MORE_WAITING - 1, now=now):
            refused.append(now)
        overload.turn_came(waiting=min(MORE_WAITING - 1, overload.may_wait), now=now)

    assert 0 < max(refused) < STANDING_SECONDS + STEP_SECONDS
