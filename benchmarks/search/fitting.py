"""Weights of the ranking, tried on the half of the questions that is not reported."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from benchmarks.search.known_items import KnownItem
from benchmarks.search.measuring import ALL, measure
from benchmarks.search.systems import Matinee
from matinee.search import documents, queries
from matinee.search.index import refresh_index

POPULARITY = (0.2, 0.5, 1.0, 2.0)
TEXT = (0.5, 1.0, 1.5, 2.0)
"""Times the field boosts that are in service."""


def tried(by_title: Sequence[KnownItem], by_facts: Sequence[KnownItem]) -> list[dict[str, float]]:
    """MRR@10 over all kinds of each pair of weights; leaves the weights as they were."""
    popularity, boosts, artifacts = documents.POPULARITY_WEIGHT, queries.FIELD_BOOSTS, settings.ARTIFACTS_DIR
    results: dict[tuple[float, float], dict[str, float]] = {}
    try:
        for weight in POPULARITY:
            with tempfile.TemporaryDirectory() as folder:
                settings.ARTIFACTS_DIR = Path(folder)
                documents.POPULARITY_WEIGHT = weight
                refresh_index()
                for text in TEXT:
                    queries.FIELD_BOOSTS = {field: boost * text for field, boost in boosts.items()}
                    asked = {"by title": by_title, "by facts": by_facts}
                    results[weight, text] = {name: _mrr(measure(Matinee(), items)) for name, items in asked.items()}
    finally:
        documents.POPULARITY_WEIGHT, queries.FIELD_BOOSTS, settings.ARTIFACTS_DIR = popularity, boosts, artifacts
    return [
        {"popularity": weight, "text": text, **results[weight, text]}
        for weight, text in itertools.product(POPULARITY, TEXT)
    ]


def _mrr(measured: Mapping[str, Any]) -> float:
    return float(measured["kinds"][ALL]["MRR@10"])
