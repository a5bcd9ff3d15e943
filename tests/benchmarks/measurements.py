"""What a benchmark of requests might have measured."""

from __future__ import annotations

from benchmarks.http.measuring import Measurement


def measured(*, cpu_ms: float, requests_per_second: float) -> Measurement:
    return Measurement(
        requests=100,
        seconds=1.0,
        requests_per_second=requests_per_second,
        p50_ms=cpu_ms,
        p99_ms=2 * cpu_ms,
        cpu_ms=cpu_ms,
        client_cpu_ms=0.1,
        others_cores=0.2,
        bytes_received=1_000,
        statuses={"200": 100},
    )
