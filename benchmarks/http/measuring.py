"""One server under one endpoint's load for some seconds, and what that took."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import psutil

from benchmarks.http.client import Outcome, Plan, Request
from benchmarks.http.contenders import Contender
from benchmarks.http.endpoints import Endpoint
from benchmarks.http.servers import Server
from benchmarks.venvs import BENCHMARKS

CONNECTIONS = 16
WARM_UP_SECONDS = 1.0
AT_MOST = 50_000
"""Requests in one measurement."""


class Refused(Exception):
    """A server answered the load with an error, so that there is nothing to measure."""


@dataclass(frozen=True)
class Measurement:
    requests: int
    seconds: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """Of the server's whole tree, a request."""
    client_cpu_ms: float
    """Of the load generator, a request."""
    others_cores: float
    """What everything else on this machine used meanwhile, in cores."""
    bytes_received: int
    statuses: dict[str, int]


@dataclass(frozen=True)
class Load:
    """What is asked of the servers, and over how many connections.

    `fresh`: requests that nobody has asked yet, others in each round; each is asked once, with nothing warmed up.
    """

    endpoint: Endpoint
    connections: int = CONNECTIONS
    fresh: Callable[[int], Sequence[Request]] | None = None


def interleaved(
    running: Mapping[Contender, Server], loads: Sequence[Load], *, rounds: int, seconds: float
) -> dict[str, dict[str, list[Measurement]]]:
    """By endpoint and server one measurement a round: load by load, one server after the other, the order turned round
    in every other round. Raises Refused."""
    measured: dict[str, dict[str, list[Measurement]]] = {
        load.endpoint.name: {one.name: [] for one in running if one.answers(load.endpoint)} for load in loads
    }
    for number in range(rounds):
        for load in loads:
            asked = load if load.fresh is None else replace(load, endpoint=_asking(load.endpoint, load.fresh(number)))
            in_turn = [contender for contender in running if contender.answers(load.endpoint)]
            for contender in in_turn if number % 2 == 0 else in_turn[::-1]:
                one = measure(running[contender], asked, seconds=seconds)
                measured[load.endpoint.name][contender.name].append(one)
                print(
                    f"round {number + 1}  {load.endpoint.name:36} {contender.name:22} {one.cpu_ms:6.2f} ms CPU  "
                    f"{one.requests_per_second:7.0f}/s  p50 {one.p50_ms:6.1f}  p99 {one.p99_ms:6.1f}",
                    file=sys.stderr,
                    flush=True,
                )
    return measured


def measure(server: Server, load: Load, *, seconds: float) -> Measurement:
    """Raises Refused."""
    endpoint, at_most = load.endpoint, AT_MOST
    if load.fresh is None:
        outcome_of(server, load, seconds=min(WARM_UP_SECONDS, seconds), at_most=at_most)
    else:
        at_most = len(endpoint.requests)
    cpu_before, busy_before = server.cpu_seconds(), _busy_seconds()
    outcome, client_cpu = outcome_of(server, load, seconds=seconds, at_most=at_most)
    cpu, busy = server.cpu_seconds() - cpu_before, _busy_seconds() - busy_before
    for request in endpoint.clean_up:
        server.ask(request, signed_in=endpoint.signed_in)
    return Measurement(
        requests=outcome.requests,
        seconds=outcome.seconds,
        requests_per_second=outcome.requests / outcome.seconds,
        p50_ms=outcome.percentile(0.50),
        p99_ms=outcome.percentile(0.99),
        cpu_ms=cpu / outcome.requests * 1_000,
        client_cpu_ms=outcome.cpu_seconds / outcome.requests * 1_000,
        others_cores=max(busy - cpu - client_cpu, 0.0) / outcome.seconds,
        bytes_received=outcome.bytes_received,
        statuses=outcome.statuses,
    )


def _asking(endpoint: Endpoint, requests: Sequence[Request]) -> Endpoint:
    return replace(endpoint, requests=requests)


def outcome_of(server: Server, load: Load, *, seconds: float, at_most: int) -> tuple[Outcome, float]:
    """What came of it, and the CPU seconds of the load generator's whole process, its start included."""
    endpoint = load.endpoint
    plan = Plan(
        port=server.port,
        tokens=[server.token if endpoint.signed_in else None],
        requests=endpoint.requests,
        connections=load.connections,
        seconds=seconds,
        at_most=at_most,
    )
    before = psutil.Process().cpu_times()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.http.client"],
        cwd=BENCHMARKS.parent,
        input=json.dumps(asdict(plan)).encode(),
        capture_output=True,
        check=False,
    )
    after = psutil.Process().cpu_times()
    if done.returncode:
        raise Refused(f"{endpoint.name} at {server.name}: {done.stderr.decode()[-2_000:]}")
    outcome = Outcome(**json.loads(done.stdout))
    wrong = {status: number for status, number in outcome.statuses.items() if not status.startswith("2")}
    if wrong:
        raise Refused(f"{endpoint.name} at {server.name} was answered with {wrong}.")
    spent = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return outcome, spent


def _busy_seconds() -> float:
    """Of all cores of this machine, since its start."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + times.irq + times.softirq)
