"""A soak says what is wrong, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.http.soak import Stretch, verdict

WELL = Stretch(
    minutes=1.0, requests=6_000, errors={}, p50_ms=2.0, p99_ms=20.0, slowest_ms=90.0,
    worker_bytes=100_000_000, tree_bytes=500_000_000, files=120,
)  # fmt: skip


def grown(**facts: float) -> list[Stretch]:
    """Twelve stretches in which each of `facts` grows by so much from one to the next."""
    return [
        replace(
            WELL, **{name: type(getattr(WELL, name))(getattr(WELL, name) + number * by) for name, by in facts.items()}
        )
        for number in range(12)
    ]


def test_where_all_stays_as_it_is_nothing_is_wrong() -> None:
    assert verdict([WELL] * 12) == []


def test_what_fills_at_the_start_is_no_leak() -> None:
    assert verdict([replace(WELL, worker_bytes=20_000_000, files=60), *[WELL] * 11]) == []


@pytest.mark.parametrize(
    ("stretches", "wrong"),
    [
        ([WELL] * 11 + [replace(WELL, errors={"503": 2})], "Requests failed: {'503': 2}."),
        (grown(worker_bytes=1_000_000), "A web worker's own memory grew to 1.08 of what it was."),
        (grown(files=2), "16 more files are open."),
    ],
    ids=["errors", "memory", "files"],
)
def test_failures_and_what_only_grows_are_told(stretches: list[Stretch], wrong: str) -> None:
    assert verdict(stretches) == [wrong]
