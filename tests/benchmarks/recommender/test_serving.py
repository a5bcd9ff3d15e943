from __future__ import annotations

import pytest
from benchmarks.recommender.serving.report import figures, markdown


def measured(test: str, length: int, seconds: list[float], which: str = "any film") -> dict[str, object]:
    """As pytest-benchmark writes it."""
    parameters = {"length": length, "which": which}
    return {"name": f"{test}[{length}-{which}]", "params": parameters, "stats": {"data": seconds}}


def test_systems_that_were_asked_the_same_stand_side_by_side_as_times_of_ours() -> None:
    ours = measured("test_matinee", 100, [0.001, 0.001, 0.004])
    theirs = measured("test_lenskit_item_knn", 100, [0.02, 0.02, 0.02])

    found = figures({"Matinee": [ours], "lenskit": [theirs]})

    by_system = found["history of 100, any film"]
    assert by_system["Matinee"]["mean_ms"] == pytest.approx(2)
    assert by_system["Matinee"]["p50_ms"] == pytest.approx(1)
    assert by_system["Matinee"]["p99_ms"] == pytest.approx(3.94)
    assert "| history of 100, any film | LensKit item-kNN | 20.00 | 20.00 | 20.00 | 10.0 |" in markdown(
        {"about": {}, "figures": found}
    )
