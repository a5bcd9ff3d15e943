"""The figures of a run, and the table that is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

OURS = "Matinee"
QUERY = "the query for the history"


class Figures(TypedDict):
    mean_ms: float
    p50_ms: float
    p99_ms: float


class Record(TypedDict):
    about: Mapping[str, str]
    figures: Mapping[str, Mapping[str, Figures]]
    """By what is asked, by system."""


def figures(measured: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, Figures]]:
    """Of pytest-benchmark's measurements, by program: those of one function are one system's."""
    found: dict[str, dict[str, Figures]] = {}
    for measurements in measured.values():
        for each in measurements:
            parameters = each["params"]
            asked = f"history of {parameters['length']:,}, {parameters.get('which', 'read')}"
            milliseconds = 1_000 * np.array(each["stats"]["data"])
            found.setdefault(asked, {})[_system(each["name"])] = {
                "mean_ms": float(milliseconds.mean()),
                "p50_ms": float(np.median(milliseconds)),
                "p99_ms": float(np.quantile(milliseconds, 0.99)),
            }
    return found


def markdown(record: Record) -> str:
    lines = [
        "# Recommendations: what one answer costs",
        "",
        "Made by `python -m benchmarks.recommender.serving` from made-up (synthetic) ratings;",
        "[benchmarks/README.md](../README.md) says what is measured and how.",
        "",
        *[f"- {name}: {value}" for name, value in record["about"].items()],
        "",
        "| asked | system | mean, ms | p50, ms | p99, ms | times Matinee's mean |",
        "|---|---|---|---|---|---|",
    ]
    for asked, by_system in record["figures"].items():
        for system, each in by_system.items():
            times = each["mean_ms"] / by_system[OURS]["mean_ms"] if OURS in by_system else None
            shown = " | ".join(f"{each[name]:.2f}" for name in ("mean_ms", "p50_ms", "p99_ms"))
            lines.append(f"| {asked} | {system} | {shown} | {'' if times is None else f'{times:.1f}'} |")
    return "\n".join(lines) + "\n"


def _system(test: str) -> str:
    """test_lenskit_item_knn[100-any film] → LensKit item-kNN"""
    words = test.partition("[")[0].removeprefix("test_").replace("_", " ")
    names = {
        "matinee": OURS,
        "implicit als": "implicit ALS",
        "lenskit": "LensKit",
        " als": " ALS",
        "item knn": "item-kNN",
    }
    for plain, name in names.items():
        words = words.replace(plain, name)
    return words
