"""Larger services than this machine can be, simulated: requests come at random, wait for a core of a node, then for one
of the database. Service times are measured ones (`results/http.json`); how they spread, and how often people ask, is
assumed and told. Whoever measures requests anew writes what follows of it into docs/scaling.md.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MIX = {
    "list, signed in": 0.40,
    "detail, signed in": 0.25,
    "recommendations": 0.20,
    "list, signed out": 0.10,
    "rate": 0.05,
}
ACTIVE_A_DAY, REQUESTS_A_DAY, PEAK_TIMES = 0.10, 60, 3
"""Assumed: of all people so many come a day and ask so often; the busiest hour has so many times the mean."""
PEOPLE = (10_000, 1_000_000, 10_000_000, 100_000_000)
CORES_A_NODE = 4
P99_MS = 50.0
SIMULATED = 200_000
"""Requests; the first tenth is left out, while queues fill."""


@dataclass(frozen=True)
class Service:
    """CPU of one request in the mean, milliseconds."""

    node_ms: float
    database_ms: float

    @classmethod
    def measured(cls, http: Mapping[str, Any]) -> Service:
        """By a run of `benchmarks.http`. The node's part is what the same request costs on SQLite, the database's what
        PostgreSQL costs more."""
        summary = http["summary"]
        parts = {name: _cpu(summary[name]["servers"]) for name in MIX}
        node = sum(share * parts[name][0] for name, share in MIX.items())
        both = sum(share * parts[name][1] for name, share in MIX.items())
        return cls(node, both - node)


@dataclass(frozen=True)
class Row:
    people: int
    requests_a_second: float
    nodes: int
    database_cores: int
    node_busy: float
    database_busy: float
    p50_ms: float
    p99_ms: float
    p99_with_one_less_ms: float | None
    """None: the nodes that are left can't keep up, or none is left."""


def peak(people: int) -> float:
    """Requests a second in the busiest hour."""
    return people * ACTIVE_A_DAY * REQUESTS_A_DAY / 86_400 * PEAK_TIMES


def told(http: Mapping[str, Any]) -> str:
    """What docs/scaling.md says of larger services, by a run of `benchmarks.http`."""
    service = Service.measured(http)
    of_node, of_database = f"{service.node_ms:.2f} ms of CPU of a node", f"{service.database_ms:.2f} of PostgreSQL's"
    heads = "people | requests/s at the peak | nodes of 4 cores | database's cores | p50, ms | p99, ms"
    lines = [
        f"A request of this mix takes {of_node}, and {of_database}.",
        "",
        f"| {heads} | p99 with one node less |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows(service, PEOPLE):
        less = "down" if row.p99_with_one_less_ms is None else f"{row.p99_with_one_less_ms:.1f}"
        lines.append(
            f"| {row.people:,} | {row.requests_a_second:,.0f} | {row.nodes}, {row.node_busy:.0%} busy "
            f"| {row.database_cores}, {row.database_busy:.0%} busy | {row.p50_ms:.1f} | {row.p99_ms:.1f} | {less} |"
        )
    return "\n".join(lines)


def rows(service: Service, people: Sequence[int]) -> list[Row]:
    return [_row(service, number) for number in people]


def simulate(service: Service, *, rate: float, nodes: int, database_cores: int, seed: int = 0) -> tuple[float, float]:
    """(p50, p99) milliseconds. Poisson arrivals, a node by lot, exponential service, first come first served."""
    chance = random.Random(seed)
    free_at = [[0.0] * CORES_A_NODE for _ in range(nodes)]
    arrivals, arrived = [], 0.0
    for _ in range(SIMULATED):
        arrived += chance.expovariate(rate) * 1_000
        cores = free_at[chance.randrange(nodes)]
        left_node = max(arrived, cores[0]) + chance.expovariate(1 / service.node_ms)
        heapq.heapreplace(cores, left_node)
        arrivals.append((left_node, arrived))
    database = [0.0] * database_cores
    waited = []
    for came, arrived in sorted(arrivals):
        done = max(came, database[0]) + chance.expovariate(1 / service.database_ms)
        heapq.heapreplace(database, done)
        waited.append(done - arrived)
    counted = sorted(waited[SIMULATED // 10 :])
    return counted[len(counted) // 2], counted[int(len(counted) * 0.99)]


def _row(service: Service, people: int) -> Row:
    """The fewest nodes and cores of the database that stay under two thirds busy and within P99_MS."""
    rate = peak(people)
    nodes = _fewest(rate * service.node_ms / 1_000, CORES_A_NODE)
    cores = _fewest(rate * service.database_ms / 1_000, 1)
    while (found := simulate(service, rate=rate, nodes=nodes, database_cores=cores))[1] > P99_MS:
        nodes += 1
    left = nodes - 1
    keeps_up = left > 0 and rate * service.node_ms / 1_000 < left * CORES_A_NODE
    less = simulate(service, rate=rate, nodes=left, database_cores=cores)[1] if keeps_up else None
    return Row(
        people=people,
        requests_a_second=rate,
        nodes=nodes,
        database_cores=cores,
        node_busy=rate * service.node_ms / 1_000 / (nodes * CORES_A_NODE),
        database_busy=rate * service.database_ms / 1_000 / cores,
        p50_ms=found[0],
        p99_ms=found[1],
        p99_with_one_less_ms=less,
    )


def _fewest(busy_cores: float, cores_each: int) -> int:
    return max(1, -int(-busy_cores // (2 / 3 * cores_each)))


def _cpu(servers: Mapping[str, Mapping[str, Mapping[str, float]]]) -> tuple[float, float]:
    """On SQLite, and on PostgreSQL with its own."""
    return servers["Matinee"]["cpu_ms"]["median"], servers["Matinee, PostgreSQL"]["cpu_ms"]["median"]
