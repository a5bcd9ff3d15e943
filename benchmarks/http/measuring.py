"""One server under one endpoint's load for some seconds, and what that took."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

import psutil

from benchmarks.http.client import Outcome, Plan
from benchmarks.http.endpoints import Endpoint
from benchmarks.http.servers import Server
from benchmarks.venvs import BENCHMARKS

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


def measure(server: Server, endpoint: Endpoint, *, connections: int, seconds: float) -> Measurement:
    """Raises Refused."""
    _load(server, endpoint, connections=connections, seconds=min(WARM_UP_SECONDS, seconds))
    cpu_before, busy_before = server.cpu_seconds(), _busy_seconds()
    outcome, client_cpu = _load(server, endpoint, connections=connections, seconds=seconds)
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


def _load(server: Server, endpoint: Endpoint, *, connections: int, seconds: float) -> tuple[Outcome, float]:
    """What came of it, and the CPU seconds of the load generator's whole process, its start included."""
    plan = Plan(
        port=server.port,
        token=server.token if endpoint.signed_in else None,
        requests=endpoint.requests,
        connections=connections,
        seconds=seconds,
        at_most=AT_MOST,
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
