"""The part of the page, and the figure, that a run beside the peers makes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import asdict
from typing import Any

from benchmarks.http.publishing import ALSO_OURS, DRF, FASTAPI, FLOOR, OURS, drawn, growth_drawn, told
from benchmarks.http.report import Result, summary

from tests.benchmarks.measurements import measured

REQUESTS = ("list, signed in", "detail, signed in", "rate", "favourite, and undo", "recommendations")
CPU_MS = {OURS: 1.0, DRF: 15.0, FASTAPI: 5.0, ALSO_OURS: 1.25, FLOOR: 0.03}


def record() -> dict[str, Any]:
    result = Result(
        about={
            "Date": "2026-01-01",
            "Command": "`bench`",
            "Machine": "2 cores",
            "Load": "3 rounds",
            "Durability": "Full.",
        },
        servers=list(CPU_MS),
        rounds={
            request: {
                server: [measured(cpu_ms=cpu, requests_per_second=1_000 / cpu) for _ in range(3)]
                for server, cpu in CPU_MS.items()
                if request != "recommendations" or server in {OURS, ALSO_OURS}
            }
            for request in REQUESTS
        },
        memory_bytes={server: {"started": 2**20, "ended": 2**21} for server in CPU_MS},
    )
    return {**asdict(result), "summary": summary(result)}


def texts(picture: str) -> set[str | None]:
    return {each.text for each in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")}


def test_the_page_tells_ratios_writes_and_which_goals_are_reached() -> None:
    page = told(record())

    assert "| list, signed in | 1.00 | 15.0 (15.0 to 15.0) | 5.00 (5.00 to 5.00) | 1.25 | 2.00 | 30.0 | 10.0 |" in page
    assert "| recommendations | 1.00 | has none | has none | 1.25 | 2.00 |  |  |" in page
    assert "| rate | 1000 (1000 to 1000) | 800 (800 to 800) | 66.7" in page
    assert "Full." in page
    assert "Full.." not in page
    assert "| a list with flags: 15 times less than Django REST framework | 15.0 | yes |" in page
    assert "| 6 times less than FastAPI | 5.00 | no |" in page
    assert "| PostgreSQL's reads: at most 1.3 times SQLite's | 1.25 | yes |" in page


def test_a_run_of_some_requests_has_no_goals() -> None:
    some = record()
    some["summary"] = {name: one for name, one in some["summary"].items() if name == "rate"}

    assert "goal" not in told(some)


def test_the_figure_has_a_bar_for_each_peer_that_has_the_request() -> None:
    picture = drawn(record())

    assert picture == drawn(record())
    assert {"list, signed in", DRF, FASTAPI, "15", "5"} <= texts(picture)
    assert "recommendations" not in texts(picture)


def test_the_figure_of_growth_sets_two_sizes_side_by_side() -> None:
    both = {**record(), "servers": [OURS, ALSO_OURS]}

    assert {OURS, ALSO_OURS, "recommendations", "1", "1.25"} <= texts(growth_drawn(both))
