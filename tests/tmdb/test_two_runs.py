"""One run at a time, across processes and machines; whoever is killed or overtaken leaves the catalogue whole."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from matinee.tmdb import lease, sync
from matinee.tmdb.client import Client
from matinee.tmdb.lease import LASTS, AlreadyRunning, MirrorLeaseLost
from matinee.tmdb.models import SyncLease, WantedFilm
from matinee.tmdb.pace import Pace
from matinee.tmdb.stand_in.films import Films
from matinee.tmdb.stand_in.server import StandIn
from tests.at_once import at_once
from tests.killed import run_and_kill
from tests.rounds import rounds
from tests.tmdb.catalogue import NOON, Clock, end_state, mirrored, titles
from tests.tmdb.conftest import client_of
from tests.tmdb.payloads import payload

pytestmark = pytest.mark.django_db(transaction=True)

FILMS = 120


@pytest.fixture
def many(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setattr(sync, "BATCH", 10)
    stand_in.films = Films(
        payload(number, f"Film {number}", popularity=float(number)) for number in range(1, FILMS + 1)
    )
    return stand_in


@pytest.fixture
def undisturbed(many: StandIn, client: Client, clock: Clock) -> dict[str, Any]:
    """What a run leaves that nobody disturbed; the database is empty again."""
    mirrored(client, clock)
    state = end_state()
    call_command("flush", interactive=False, verbosity=0)
    many.asked.clear()
    return state


class TestKilled:
    @pytest.mark.parametrize("round_", range(rounds(5)))
    def test_a_run_that_is_killed_and_run_again_ends_as_one_that_was_not(
        self, many: StandIn, undisturbed: dict[str, Any], clock: Clock, tmp_path: Path, round_: int
    ) -> None:
        chance = random.Random(round_)

        def run() -> None:
            mirrored(client_of(many, Pace(tmp_path / "slow", per_second=150)), clock)

        for _ in range(2):
            run_and_kill(run, after=chance.uniform(0.02, 0.8))
            clock.now += LASTS

        mirrored(client_of(many, Pace(tmp_path / "quick", per_second=2_000)), clock)

        assert end_state() == undisturbed
        assert len(titles()) == FILMS


class TestTheLease:
    def test_the_one_who_holds_it_keeps_others_out(self, client: Client, clock: Clock, stand_in: StandIn) -> None:
        lease.take(holder="another machine", now=clock())

        with pytest.raises(AlreadyRunning, match="another machine"):
            mirrored(client, clock)

        assert not stand_in.asked

    def test_it_is_taken_over_when_it_has_run_out_and_not_before(self, clock: Clock) -> None:
        killed = lease.take(holder="killed", now=clock())

        with pytest.raises(AlreadyRunning):
            lease.take(holder="next", now=NOON + LASTS - dt.timedelta(seconds=1))
        taken = lease.take(holder="next", now=NOON + LASTS)

        assert taken.token == killed.token + 1

    def test_a_run_that_ends_gives_it_back(self, client: Client, clock: Clock) -> None:
        mirrored(client, clock)

        assert lease.take(holder="next", now=clock()).token == 2

    @pytest.mark.parametrize("round_", range(rounds(3)))
    def test_of_many_who_ask_at_once_one_gets_it(self, clock: Clock, round_: int) -> None:
        calls = [lambda who=who: lease.take(holder=str(who), now=clock()) for who in range(6)]

        outcomes = at_once(*calls)

        assert sum(isinstance(outcome, lease.Lease) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, AlreadyRunning) for outcome in outcomes) == 5

    def test_nothing_that_an_overtaken_one_writes_counts(self, many: StandIn, client: Client, clock: Clock) -> None:
        def be_overtaken(progress: sync.Progress) -> None:
            if progress.done and progress.left == FILMS - 20:
                lease.take(holder="next", now=clock.now + LASTS)

        with pytest.raises(MirrorLeaseLost):
            mirrored(client, clock, on_progress=be_overtaken)

        assert len(titles()) == 20
        assert WantedFilm.objects.count() == FILMS - 20
        assert SyncLease.objects.get().holder == "next"

    def test_a_zombie_that_wakes_inside_its_transaction_is_refused(self, clock: Clock) -> None:
        zombie = lease.take(holder="zombie", now=clock())
        lease.take(holder="next", now=NOON + LASTS)

        @transaction.atomic
        def write() -> None:
            WantedFilm.objects.create(tmdb_id=603, rank=0)
            lease.hold(zombie, now=clock())

        with pytest.raises(MirrorLeaseLost):
            write()

        assert not WantedFilm.objects.exists()
        lease.give_back(zombie, now=clock())
        assert SyncLease.objects.get().expires_at == NOON + 2 * LASTS


def tell_how_it_ended(work: Callable[[], object], outcomes: Any) -> None:
    try:
        work()
        outcomes.put("ran")
    except AlreadyRunning:
        outcomes.put("already running")
    finally:
        connection.close()


def test_of_four_processes_one_runs(many: StandIn, clock: Clock, tmp_path: Path) -> None:
    forking = multiprocessing.get_context("fork")
    outcomes = forking.SimpleQueue()

    def work() -> object:
        return mirrored(client_of(many, Pace(tmp_path / "pace", per_second=300)), clock)

    for _ in range(rounds(2)):
        connections.close_all()
        processes = [forking.Process(target=tell_how_it_ended, args=(work, outcomes)) for _ in range(4)]
        for process in processes:
            process.start()
        told = sorted(outcomes.get() for _ in processes)
        for process in processes:
            process.join()
        assert told == ["already running"] * 3 + ["ran"]
        assert len(titles()) == FILMS
        WantedFilm.objects.bulk_create([WantedFilm(tmdb_id=number, rank=1) for number in titles()])
