"""How many requests a minute has for somebody: never one more, over all threads and processes together."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import redis
from pytest_django.fixtures import Settings

from matinee.core.counters import Counters, CountersAway, FileCounters, OwnCounters, ValkeyCounters, begin_anew
from matinee.core.limits import Limiter, Quota, limiter
from tests.core.valkey import valkey
from tests.killed import run_and_kill

MINUTE = 60 * 29_000_000.0
FORK = multiprocessing.get_context("fork")

Shared = Callable[[], Counters]
"""Makes what a process counts in, for the same counts as every other process."""


@pytest.fixture(params=["file", "valkey"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
    if request.param == "file":
        yield lambda: FileCounters(tmp_path / "limits.sqlite3")
        return
    with valkey() as server:
        yield lambda: ValkeyCounters(server.url)


def asked(limiter: Limiter, times: int, *, limit: int = 10, in_leases: bool = False, now: float = MINUTE) -> int:
    """How many of so many requests are served."""
    return sum(limiter.take("alice", limit=limit, in_leases=in_leases, now=now).served for _ in range(times))


def served_by_two_processes(shared: Shared, *, limit: int, in_leases: bool) -> int:
    """Of 400 requests: eight threads in each of two processes, 25 each, all at once."""
    together, served = FORK.Barrier(2), FORK.SimpleQueue()

    def work() -> None:
        limiter = Limiter(shared())
        together.wait(timeout=30)
        with ThreadPoolExecutor(8) as pool:
            served.put(sum(pool.map(lambda _: asked(limiter, 25, limit=limit, in_leases=in_leases), range(8))))

    processes = [FORK.Process(target=work) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    return sum(served.get() for _ in processes)


@pytest.mark.parametrize("in_leases", [False, True])
def test_of_400_requests_to_two_processes_of_eight_threads_exactly_50_are_served(
    shared: Shared, in_leases: bool
) -> None:
    assert served_by_two_processes(shared, limit=50, in_leases=in_leases) == 50


def test_a_limit_is_of_one_key_and_one_minute(shared: Shared) -> None:
    limiter = Limiter(shared())

    assert asked(limiter, 12) == 10
    assert limiter.take("bob", limit=10, in_leases=False, now=MINUTE).served
    assert asked(limiter, 1, now=MINUTE + 59.9) == 0
    assert asked(limiter, 12, now=MINUTE + 60) == 10


def test_it_tells_what_is_left_and_how_long_to_wait(shared: Shared) -> None:
    limiter = Limiter(shared())

    told = [limiter.take("alice", limit=3, in_leases=False, now=MINUTE + second) for second in (0, 17.9, 18, 59.9)]

    assert told == [Quota(True, 2, 60), Quota(True, 1, 43), Quota(True, 0, 42), Quota(False, 0, 1)]


def test_a_lease_is_asked_for_once_and_told_as_left(shared: Shared) -> None:
    counters = Counted(shared())
    limiter = Limiter(counters)

    told = [limiter.take("alice", limit=100, in_leases=True, now=MINUTE) for _ in range(100)]

    assert [standing.remaining for standing in told] == list(range(99, -1, -1))
    assert counters.added == [10] * 10


def test_what_another_worker_holds_is_not_served_twice(shared: Shared) -> None:
    here, there = Limiter(shared()), Limiter(shared())
    there.take("alice", limit=100, in_leases=True, now=MINUTE)

    assert asked(here, 200, limit=100, in_leases=True) == 90
    assert asked(there, 200, limit=100, in_leases=True) == 9


def test_a_lease_of_a_limit_that_is_no_multiple_of_it_ends_with_the_limit(shared: Shared) -> None:
    assert asked(Limiter(shared()), 50, limit=27, in_leases=True) == 27
    assert asked(Limiter(shared()), 50, limit=27, in_leases=True) == 0


def test_who_is_refused_costs_no_more_counting(shared: Shared) -> None:
    counters = Counted(shared())

    asked(Limiter(counters), 1_000, limit=5)

    assert len(counters.added) == 5


def test_a_limit_of_less_than_ten_is_drawn_one_by_one(shared: Shared) -> None:
    counters = Counted(shared())

    asked(Limiter(counters), 9, limit=9, in_leases=True)

    assert counters.added == [1] * 9


class Counted:
    """Counters that remember what they were asked for."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.added: list[int] = []

    def add(self, key: str, *, window: int, amount: int) -> int:
        self.added.append(amount)
        return self.counters.add(key, window=window, amount=amount)


def test_what_is_older_than_the_last_minute_is_forgotten(tmp_path: Path) -> None:
    counters = FileCounters(tmp_path / "limits.sqlite3")
    for window in (100, 101, 102):
        counters.add("alice", window=window, amount=1)

    left = sqlite3.connect(tmp_path / "limits.sqlite3").execute("SELECT window FROM hits").fetchall()

    assert left == [(101,), (102,)]


def test_nobody_outside_this_process_is_in_its_own_counters() -> None:
    own = OwnCounters()

    assert [own.add("alice", window=1, amount=2), own.add("alice", window=1, amount=1)] == [2, 3]
    assert own.add("alice", window=2, amount=1) == 1


def test_a_forked_process_counts_on_with_a_connection_of_its_own(tmp_path: Path) -> None:
    counters = FileCounters(tmp_path / "limits.sqlite3")
    counters.add("alice", window=1, amount=1)
    child = FORK.Process(target=counters.add, args=["alice"], kwargs={"window": 1, "amount": 5})

    child.start()
    child.join(timeout=30)

    assert (child.exitcode, counters.add("alice", window=1, amount=1)) == (0, 7)


def test_a_forked_process_does_not_touch_the_connection_of_its_parent(tmp_path: Path) -> None:
    counters = FileCounters(tmp_path / "limits.sqlite3")
    of_parent = counters._open()
    assert counters._open() is of_parent
    child = FORK.Process(target=lambda: sys.exit(counters._open() is of_parent))

    child.start()
    child.join(timeout=30)

    assert child.exitcode == 0


def test_all_threads_of_a_process_count_by_its_one_connection(tmp_path: Path) -> None:
    counters = FileCounters(tmp_path / "limits.sqlite3")
    counters.add("alice", window=1, amount=1)

    with ThreadPoolExecutor(1) as other:
        assert other.submit(counters.add, "alice", window=1, amount=1).result() == 2


def test_all_can_open_a_new_file_at_once(tmp_path: Path) -> None:
    hands = 8

    def count(path: Path, together: threading.Barrier) -> int:
        counters = FileCounters(path)
        together.wait(timeout=30)
        return counters.add("alice", window=1, amount=1)

    with ThreadPoolExecutor(hands) as pool:
        for number in range(100):
            path, together = tmp_path / f"limits-{number}.sqlite3", threading.Barrier(hands)
            assert sorted(pool.map(count, [path] * hands, [together] * hands)) == [*range(1, hands + 1)]


def damaged(path: Path) -> None:
    path.write_bytes(os.urandom(8192))


def no_file(path: Path) -> None:
    path.mkdir()


def locked(path: Path) -> None:
    FileCounters(path).add("bob", window=1, amount=1)
    holder.append(sqlite3.connect(path, isolation_level=None))
    holder[-1].execute("BEGIN IMMEDIATE")


holder: list[sqlite3.Connection] = []


@pytest.mark.parametrize("spoil", [damaged, no_file, locked])
def test_while_the_file_is_away_each_process_holds_the_limit_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "limits.sqlite3"
    spoil(path)
    limiter = Limiter(FileCounters(path))

    assert asked(limiter, 30) == 10
    assert asked(limiter, 300, limit=100, in_leases=True, now=MINUTE + 60) == 100
    [told] = caplog.messages  # once in a while, not for every request
    assert told.startswith(f"Each process counts requests for itself: {path}: ")
    for connection in holder:
        connection.close()


def test_while_they_are_away_each_key_has_its_own_limit(tmp_path: Path) -> None:
    no_file(tmp_path / "limits.sqlite3")
    limiter = Limiter(FileCounters(tmp_path / "limits.sqlite3"))

    assert asked(limiter, 30) == 10
    assert limiter.take("bob", limit=10, in_leases=False, now=MINUTE) == Quota(True, 9, 60)


def test_no_request_waits_for_counters_longer_than_they_are_worth(tmp_path: Path) -> None:
    of_file = FileCounters(tmp_path / "limits.sqlite3")
    of_valkey = ValkeyCounters("redis://192.0.2.1")

    assert of_file._open().execute("PRAGMA busy_timeout").fetchone() == (1_000,)
    waits = of_valkey._client.connection_pool.connection_kwargs
    assert (waits["socket_connect_timeout"], waits["socket_timeout"]) == (0.25, 0.25)


def test_what_is_away_is_asked_again_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "limits.sqlite3"
    path.mkdir()
    limiter = Limiter(FileCounters(path))
    asked(limiter, 3)
    path.rmdir()

    monkeypatch.setattr("matinee.core.limits.AWAY_SECONDS", 0.0)
    limiter._away_until = 0.0
    asked(limiter, 3)

    assert FileCounters(path).add("alice", window=int(MINUTE) // 60, amount=0) == 3


def test_valkey_is_away_when_nobody_listens_and_counts_again_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    with valkey() as server:
        limiter = Limiter(ValkeyCounters(server.url))
        assert asked(limiter, 4) == 4
        server.stop()
        assert asked(limiter, 30) == 10, "this process's own"
        server.start()
        limiter._away_until = 0.0
        assert asked(limiter, 30, now=MINUTE + 60) == 10
        server.stop()
        with pytest.raises(CountersAway, match="Valkey"):
            ValkeyCounters(server.url).add("alice", window=1, amount=1)


def test_valkey_that_does_not_answer_is_away_before_anybody_waits_for_it() -> None:
    given_up = threading.Event()
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/socket")
        silent.listen()

        def hold() -> None:
            connection, _ = silent.accept()
            given_up.wait(timeout=5)
            connection.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(hold)
            with pytest.raises(CountersAway, match="Timeout"):
                ValkeyCounters(f"unix://{folder}/socket").add("alice", window=1, amount=1)
            given_up.set()


def test_what_valkey_counts_is_under_our_name_and_goes_after_ten_minutes() -> None:
    with valkey() as server, closing(redis.Redis.from_url(server.url)) as client:
        ValkeyCounters(server.url).add("alice", window=7, amount=2)

        assert client.keys() == [b"matinee:hits:7:alice"]
        assert 590 < client.ttl("matinee:hits:7:alice") <= 600


def test_the_limiter_of_a_process_counts_where_the_settings_say(settings: Settings) -> None:
    of_file = limiter()
    limiter.cache_clear()
    with valkey() as server:
        settings.VALKEY_URL = server.url
        of_valkey = limiter()

        assert (asked(of_file, 3, limit=2), asked(of_valkey, 3, limit=2)) == (2, 2)
        assert sqlite3.connect(settings.LIMITS_FILE).execute("SELECT used FROM hits").fetchall() == [(2,)]
        assert ValkeyCounters(server.url).add("alice", window=int(MINUTE) // 60, amount=0) == 2


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "limits.sqlite3"
    damaged(path)
    (tmp_path / "limits.sqlite3-wal").write_bytes(os.urandom(64))

    begin_anew(path)

    assert FileCounters(path).add("alice", window=1, amount=1) == 1


def ask_on_and_on(path: Path) -> None:
    asked(Limiter(FileCounters(path)), 10**9, limit=10**9)


def test_a_killed_process_spoils_no_count(tmp_path: Path) -> None:
    path = tmp_path / "limits.sqlite3"
    for _ in range(5):
        run_and_kill(lambda: ask_on_and_on(path), after=0.1)

    [(verdict,)] = sqlite3.connect(path).execute("PRAGMA integrity_check")
    counted = FileCounters(path).add("alice", window=int(MINUTE) // 60, amount=0)

    assert verdict == "ok"
    assert counted > 5
    assert FileCounters(path).add("alice", window=int(MINUTE) // 60, amount=1) == counted + 1
