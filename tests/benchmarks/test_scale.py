"""The simulation agrees with what queueing theory has in closed form, and with itself."""

from __future__ import annotations

import math

import pytest
from benchmarks.scale import queueing
from benchmarks.scale.nodes import Measurement, ratio
from benchmarks.scale.queueing import MIX, Service, peak, rows, simulate


def test_one_queue_waits_as_theory_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """M/M/1: the time in the system is exponential with mean 1 / (mu - lambda)."""
    monkeypatch.setattr(queueing, "CORES_A_NODE", 1)
    service = Service(node_ms=1.0, database_ms=1e-9)

    p50, p99 = simulate(service, rate=500.0, nodes=1, database_cores=1)

    assert p50 == pytest.approx(2.0 * math.log(2), rel=0.05)
    assert p99 == pytest.approx(2.0 * math.log(100), rel=0.1)


def test_more_nodes_wait_less_and_the_same_seed_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "SIMULATED", 20_000)
    service = Service(node_ms=1.0, database_ms=0.5)

    few, many = (simulate(service, rate=7_000.0, nodes=nodes, database_cores=8) for nodes in (2, 4))

    assert many < few
    assert few == simulate(service, rate=7_000.0, nodes=2, database_cores=8)


def test_what_is_proposed_keeps_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "SIMULATED", 20_000)

    small, large = rows(Service(node_ms=1.0, database_ms=0.5), [10_000, 100_000_000])

    assert (small.nodes, small.database_cores, small.p99_with_one_less_ms) == (1, 1, None)
    assert large.requests_a_second == peak(100_000_000) == pytest.approx(20_833, abs=1)
    assert large.node_busy <= 2 / 3
    assert large.database_busy <= 2 / 3
    assert large.p99_ms <= queueing.P99_MS


def test_service_times_are_those_that_were_measured() -> None:
    servers = {"Matinee": {"cpu_ms": {"median": 1.0}}, "Matinee, PostgreSQL": {"cpu_ms": {"median": 1.5}}}

    service = Service.measured({"summary": {name: {"servers": servers} for name in MIX}})

    assert service.node_ms == pytest.approx(1.0)
    assert service.database_ms == pytest.approx(0.5)


def test_two_nodes_are_compared_with_one_in_the_same_round() -> None:
    one = [Measurement(1.0, 500.0, 9.0), Measurement(2.0, 250.0, 9.0), Measurement(1.0, 500.0, 9.0)]
    two = [Measurement(1.1, 900.0, 9.0), Measurement(2.2, 450.0, 9.0), Measurement(1.3, 800.0, 9.0)]

    rounds = {"one": one, "two": two}

    assert ratio(rounds, "cpu_ms") == pytest.approx(1.1)
    assert ratio(rounds, "requests_per_second") == pytest.approx(1.8)


def test_waiting_for_a_client_or_the_disk_is_no_waiting_for_a_lock() -> None:
    waits = {"none: works": 60, "Client": 10, "IO": 10, "Lock": 15, "LWLock": 5}

    assert Measurement(1.0, 500.0, 9.0, waits).lock_share == pytest.approx(0.2)
    assert Measurement(1.0, 500.0, 9.0).lock_share == 0
