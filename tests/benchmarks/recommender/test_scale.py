from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.recommender.scale import fit_matinee, sample, tree
from benchmarks.recommender.scale.__main__ import same_films
from benchmarks.recommender.scale.outcome import LISTS
from benchmarks.recommender.scale.report import agreement, table
from benchmarks.recommender.scale.tree import Tree
from benchmarks.recommender.synthetic import Size

BUSY = """
import time
held = b"x" * 2**26
while time.process_time() < 0.5:
    pass
input()
"""
FIGURES: dict[str, Any] = {
    "seconds": 12.34,
    "cpu_seconds": 20.0,
    "peak_bytes": 2.0**31,
    "input_bytes": 2.0**30,
    "artifact_bytes": 2**20,
    "NDCG@100": {"mean": 0.25, "low": 0.2, "high": 0.3},
}


def test_a_fit_is_asked_about_people_it_has_not_seen_and_lists_nothing_that_they_have_shown(tmp_path: Path) -> None:
    sample.write(tmp_path, Size(people=200, films=500, ratings=10_000))
    split, _ = sample.read(tmp_path)

    fit_matinee.main(tmp_path)

    lists = np.load(tmp_path / LISTS)
    assert split.train.size < 9_000
    assert len(lists) == len(split.cases) > 20
    for case, ranked in zip(split.cases, lists, strict=True):
        assert len(np.unique(ranked)) == 100
        assert not np.isin(ranked, case.item_ids).any()


def test_the_table_has_a_line_for_every_size_and_system() -> None:
    size = {"ratings": 100_000, "people": 640, "films": 9_701, "systems": {"Matinee": FIGURES}}

    *_, line = table({"about": {}, "sizes": [size]})

    assert line == "| 100,000 | 640 | 9,701 | Matinee | 12.3 | 20.0 | 2.00 | 1.00 | 1.0 | 0.250 (0.200 to 0.300) |"
    assert agreement({"about": {}, "sizes": [size]}) == []


def test_how_far_two_fits_agree_stands_below() -> None:
    here, there = np.array([[3, 2, 1, -1], [4, 5, 6, 7]]), np.array([[1, 2, 9, -1], [7, 6, 5, 4]])
    difference = {"mean": -0.00012, "low": -0.0003, "high": 0.0001}
    one = {**FIGURES, "same_films": same_films(there, here), "difference": difference}
    size = {"ratings": 100_000, "people": 640, "films": 9_701, "systems": {"Matinee": FIGURES, "on Spark": one}}

    *_, line = agreement({"about": {}, "sizes": [size]})

    assert line == (
        "- 100,000 ratings, on Spark: 83.33% of the films in its lists stand in the local fit's too; "
        "NDCG@100 -0.00012 (-0.00030 to +0.00010)."
    )


def test_what_a_process_started_counts_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "EVERY_SECONDS", 0.02)

    with Tree() as looked_at:
        child = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE)
        while looked_at.figures()["cpu_seconds"] < 0.5:
            assert child.poll() is None
        child.communicate(b"\n")

    figures = looked_at.figures()
    assert figures["peak_bytes"] - figures["input_bytes"] > 2**26
    assert figures["seconds"] > 0
