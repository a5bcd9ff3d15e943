"""Requests to TMDb are spaced for all processes together, and stop for a while when it fails."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from matinee.tmdb.failures import Away
from matinee.tmdb.pace import FAILURES_IN_A_ROW, LONGEST_PAUSE_SECONDS, LONGEST_REST_SECONDS, PER_SECOND, Pace
from tests.clock import Clock

SECOND_OF_A_REQUEST = 1 / PER_SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def paced(tmp_path: Path, clock: Clock) -> Pace:
    return Pace(tmp_path / "pace", clock=clock)


def fail(pace: Pace, times: int) -> None:
    for _ in range(times):
        pace.failed()


def turns(pace: Pace, clock: Clock, *, seconds: float) -> int:
    """How many requests are let through while the clock goes on by `seconds`."""
    until, count = clock.now + seconds, 0
    while clock.now < until:
        try:
            pace.wait_for_turn(seconds=0)
            count += 1
        except Away as refusal:
            clock.now += refusal.seconds + 1e-6
    return count


def test_requests_are_spaced_below_forty_a_second(paced: Pace, clock: Clock) -> None:
    assert turns(paced, clock, seconds=10) <= 10 * PER_SECOND + 1


def test_a_turn_that_comes_too_late_is_not_taken(paced: Pace, clock: Clock) -> None:
    paced.wait_for_turn(seconds=0)
    before = paced.state().next_at

    with pytest.raises(Away) as refusal:
        paced.wait_for_turn(seconds=SECOND_OF_A_REQUEST / 2)

    assert refusal.value.seconds == pytest.approx(SECOND_OF_A_REQUEST, abs=1e-3)
    assert paced.state().next_at == before


@pytest.mark.parametrize(
    ("asked", "kept"),
    [(0.0, 0.0), (7.0, 7.0), (-3.0, 0.0), (86_400.0, LONGEST_PAUSE_SECONDS), (1e18, LONGEST_PAUSE_SECONDS)],
)
def test_a_429_holds_up_everybody_for_as_long_as_it_says_and_no_absurd_time(
    paced: Pace, clock: Clock, tmp_path: Path, asked: float, kept: float
) -> None:
    other = Pace(tmp_path / "pace", clock=clock)

    paced.slow_down(seconds=asked)

    assert other.state().paused_until - clock.now == pytest.approx(kept)


def test_a_429_halves_the_rate_which_grows_back(paced: Pace, clock: Clock) -> None:
    paced.slow_down(seconds=0)

    assert turns(paced, clock, seconds=1) == pytest.approx(PER_SECOND / 2, abs=2)
    clock.now += 120
    assert turns(paced, clock, seconds=1) == pytest.approx(PER_SECOND, abs=2)


def test_however_many_429s_come_somebody_still_asks(paced: Pace, clock: Clock) -> None:
    for _ in range(50):
        paced.slow_down(seconds=0)

    assert turns(paced, clock, seconds=5) >= 5


def test_the_breaker_opens_after_five_failures_in_a_row(paced: Pace, clock: Clock) -> None:
    fail(paced, FAILURES_IN_A_ROW - 1)
    paced.wait_for_turn(seconds=1)

    paced.failed()

    assert FAILURES_IN_A_ROW <= 5
    with pytest.raises(Away, match="given a rest"):
        paced.wait_for_turn(seconds=1_000)


def test_a_success_between_failures_keeps_it_closed(paced: Pace, clock: Clock) -> None:
    for _ in range(20):
        fail(paced, FAILURES_IN_A_ROW - 1)
        paced.succeeded()

    paced.wait_for_turn(seconds=1)

    assert not paced.state().is_open


def test_after_its_rest_one_request_tries_and_the_others_wait_for_its_outcome(paced: Pace, clock: Clock) -> None:
    fail(paced, FAILURES_IN_A_ROW)
    clock.now = paced.state().open_until

    paced.wait_for_turn(seconds=1)

    for _ in range(3):
        with pytest.raises(Away):
            paced.wait_for_turn(seconds=1)
    paced.succeeded()
    clock.now += 1
    paced.wait_for_turn(seconds=1)


def test_rests_grow_while_the_tries_fail_and_end(paced: Pace, clock: Clock) -> None:
    fail(paced, FAILURES_IN_A_ROW)
    rests = []
    for _ in range(8):
        rests.append(paced.state().open_until - clock.now)
        clock.now = paced.state().open_until
        paced.wait_for_turn(seconds=1)
        paced.failed()

    assert rests[0] < rests[2] < rests[4]
    assert max(rests) <= LONGEST_REST_SECONDS


def test_a_request_that_tried_and_vanished_is_not_waited_for_long(paced: Pace, clock: Clock) -> None:
    fail(paced, FAILURES_IN_A_ROW)
    clock.now = paced.state().open_until
    paced.wait_for_turn(seconds=1)

    clock.now += 31
    paced.wait_for_turn(seconds=1)


def test_a_clock_that_was_set_back_holds_up_nobody(paced: Pace, clock: Clock) -> None:
    paced.slow_down(seconds=60)
    fail(paced, FAILURES_IN_A_ROW)

    clock.now -= 86_400

    paced.wait_for_turn(seconds=0)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 1_000])
def test_a_file_that_is_damaged_is_begun_anew(paced: Pace, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pace").write_bytes(content)

    paced.wait_for_turn(seconds=0)

    assert paced.state().failures == 0


def test_a_client_that_stops_lets_nobody_wait(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "pace")
    pace.slow_down(seconds=60)

    pace.stop()

    with pytest.raises(Away, match="stops"):
        pace.wait_for_turn(seconds=100)


def take_turns(path: Path) -> list[float]:
    pace = Pace(path)
    taken = []
    for _ in range(12):
        pace.wait_for_turn(seconds=60)
        taken.append(time.time())
    return taken


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_three_processes_share_one_pace(tmp_path: Path, processes: ProcessPoolExecutor) -> None:
    pace = Pace(tmp_path / "pace")
    pace.wait_for_turn(seconds=0)
    first = pace.state().next_at

    taken = [at for turns in processes.map(take_turns, [tmp_path / "pace"] * 3) for at in turns]

    assert len(taken) == 36
    assert pace.state().next_at - first >= 36 * SECOND_OF_A_REQUEST - 1e-6
    assert all(at >= first + place * SECOND_OF_A_REQUEST - 1e-3 for place, at in enumerate(sorted(taken)))
