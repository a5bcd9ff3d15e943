"""Where a run's JSON, tables and figures go, and the part of the docs that is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.marks import between_marks
from benchmarks.recommender import figures as drawn
from benchmarks.recommender.report import Record, markdown, summary


def publish(record: dict[str, Any], *, results: Path, figures: Path, page: Path | None) -> None:
    """Write recommender.json and .md to `results`, the SVGs to `figures`, and the marked part of `page`."""
    for folder in (results, figures):
        folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1) + "\n"
    (results / "recommender.json").write_text(text, encoding="utf-8")
    plain = json.loads(text)
    (results / "recommender.md").write_text(markdown(plain), encoding="utf-8")
    for name, picture in pictures(plain).items():
        (figures / name).write_text(picture, encoding="utf-8")
    if page is not None:
        page.write_text(with_tables(page.read_text(encoding="utf-8"), plain), encoding="utf-8")


def pictures(record: Record) -> dict[str, str]:
    """File name → SVG."""
    return {
        "recommender-signals.svg": drawn.of_signals(record),
        "recommender-coverage.svg": drawn.of_coverage(record),
    }


def with_tables(page: str, record: Record) -> str:
    """The page with what stands between the marks made anew. Raises ValueError where there are none."""
    return between_marks(page, summary(record))
