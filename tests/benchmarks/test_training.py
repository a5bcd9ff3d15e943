"""What requests wait for beside a training is told by its niceness, alone first."""

from __future__ import annotations

from typing import Any

from benchmarks.http.training import AS_THE_JOB_WORKER
from benchmarks.http.training_report import told

from matinee.operations.serving import NICENESS


def round_(niceness: int | None, *, p99_ms: float, training_seconds: float | None = None) -> dict[str, Any]:
    return {
        "niceness": niceness,
        "requests": 1_000,
        "failed": 1,
        "p50_ms": 2.0,
        "p99_ms": p99_ms,
        "training_seconds": training_seconds,
        "others_cores": 0.01,
    }


def test_each_niceness_has_a_row_with_the_spread_of_its_rounds() -> None:
    record = {
        "about": {"Date": "2026-01-01", "Command": "`bench`", "Machine": "2 cores", "Load": "350", "Data": "films"},
        "as_the_job_worker": 5,
        "rounds": [
            round_(10, p99_ms=8.0, training_seconds=20.0),
            round_(5, p99_ms=11.0, training_seconds=15.0),
            round_(None, p99_ms=6.0),
            round_(None, p99_ms=7.0),
            round_(5, p99_ms=12.0, training_seconds=16.0),
            round_(10, p99_ms=9.0, training_seconds=21.0),
        ],
    }

    page = told(record)

    assert page.startswith("2026-01-01, `bench`, 2 cores. 350; films.\n\n| niceness of the training |")
    assert [line for line in page.splitlines() if line.startswith("|")][2:] == [
        "| nothing is trained | 2.00 (2.00 to 2.00) | 6.50 (6.00 to 7.00) | 2 |  |",
        "| **5, as the job worker trains** | 2.00 (2.00 to 2.00) | 11.5 (11.0 to 12.0) | 2 | 15.5 (15.0 to 16.0) |",
        "| 10 | 2.00 (2.00 to 2.00) | 8.50 (8.00 to 9.00) | 2 | 20.5 (20.0 to 21.0) |",
    ]
    assert page.endswith("0.01 cores at most before a round.")


def test_the_one_of_the_job_worker_is_the_job_workers() -> None:
    assert AS_THE_JOB_WORKER == NICENESS
