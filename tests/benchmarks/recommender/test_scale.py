from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.recommender.scale import fit_matinee, sample
from benchmarks.recommender.scale.outcome import LISTS
from benchmarks.recommender.scale.report import table
from benchmarks.recommender.synthetic import Size


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
    figures = {"seconds": 12.34, "cpu_seconds": 20.0, "peak_bytes": 2.0**31, "input_bytes": 2.0**30}
    one = {**figures, "artifact_bytes": 2**20, "NDCG@100": {"mean": 0.25, "low": 0.2, "high": 0.3}}
    size = {"ratings": 100_000, "people": 640, "films": 9_701, "systems": {"Matinee": one}}

    *_, line = table({"about": {}, "sizes": [size]})

    assert line == "| 100,000 | 640 | 9,701 | Matinee | 12.3 | 20.0 | 2.00 | 1.00 | 1.0 | 0.250 (0.200 to 0.300) |"
