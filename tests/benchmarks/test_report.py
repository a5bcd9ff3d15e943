from __future__ import annotations

from benchmarks.http.report import Result, better_by, markdown

from tests.benchmarks.measurements import measured

OURS = [measured(cpu_ms=cpu, requests_per_second=200 / cpu) for cpu in (1.0, 2.0, 1.0)]
THEIRS = [measured(cpu_ms=cpu, requests_per_second=200 / cpu) for cpu in (10.0, 16.0, 12.0)]


def test_ratios_compare_each_round_with_the_same_round() -> None:
    ratios = better_by(OURS, THEIRS)

    assert ratios["cpu_ms"] == {"median": 10.0, "lowest": 8.0, "highest": 12.0}
    assert ratios["requests_per_second"] == ratios["cpu_ms"]


def test_the_tables_show_medians_with_their_spread_and_what_only_we_answer_without_a_ratio() -> None:
    result = Result(
        about={"Date": "2026-01-01"},
        servers=["Matinee", "Peer"],
        rounds={"list": {"Matinee": OURS, "Peer": THEIRS}, "recommendations": {"Matinee": OURS}},
        memory_bytes={"Matinee": {"started": 100 * 2**20, "ended": 120 * 2**20}},
    )

    text = markdown(result)

    assert "| list | Peer | 12.0 (10.0 to 16.0) |" in text
    assert "| list | Peer | 10.0 (8.00 to 12.0) |" in text
    assert text.count("| recommendations |") == 1
    assert "| Matinee | 100 | 120 |" in text
