"""`python -m benchmarks.tmdb.quality`: what the facts that the mirror brings do to recommendations and to search.

The same people, films and questions each time, with ever more facts: none, what stands in a film's own row, and cast,
directors, keywords and collections. Real ratings (MovieLens latest-small) and films (MATINEE_SHARED_DATA).
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import os
import platform
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.arguments import at_least
from benchmarks.paths import RESULTS, SHARED
from benchmarks.recommender.data import Dataset, movielens_small
from benchmarks.search.setup import instance, shared
from matinee.engine.evaluation.cases import Knowledge
from matinee.engine.features import ItemFeatures

OWN_ROW = frozenset({"genres", "languages", "countries", "companies", "eras"})
MIRRORED = frozenset({"cast", "directors", "keywords", "collections"})
FACTS: Mapping[str, Collection[str]] = {
    "ratings alone": frozenset(),
    "and what stands in a film's own row": OWN_ROW,
    "and cast, directors, keywords, collections": OWN_ROW | MIRRORED,
}
METRICS = ("NDCG@100", "Recall@20")


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    record: dict[str, Any] = {
        "about": {
            "Command": shlex.join(["python", "-m", "benchmarks.tmdb.quality", *arguments]),
            "Date": dt.datetime.now(dt.UTC).date().isoformat(),
            "Machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        }
    }
    folder, results = shared(), options.out or RESULTS
    with instance():
        record["search"] = _search(folder, each=options.each)
        _write(record, results)
        record["recommendations"] = _recommendations(_with_collections(_ratings(folder)))
        _write(record, results)
    print(markdown(record))


def _write(record: Mapping[str, Any], results: Path) -> None:
    results.mkdir(parents=True, exist_ok=True)
    (results / "tmdb-quality.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (results / "tmdb-quality.md").write_text(markdown(record), encoding="utf-8")


def _ratings(folder: Path) -> Dataset:
    return movielens_small(folder / "ml-latest-small.zip", folder / "tmdb-5000-with-credits.jsonl.gz")


def _with_collections(dataset: Dataset) -> tuple[Dataset, dict[str, Any]]:
    """And the collection of each film, where it came out from 2000 to 2012: of others it is not at hand."""
    assert dataset.facts is not None
    known = dataset.facts.features
    collections: dict[int, int] = {}
    with gzip.open(SHARED / "tmdb-movies-2000-2012.jsonl.gz") as lines:
        for film in map(json.loads, lines):
            if film["belongs_to_collection"]:
                collections[film["id"]] = film["belongs_to_collection"]["id"]
    ids = known.item_ids.tolist()
    lists = [[collections[tmdb_id]] if tmdb_id in collections else [] for tmdb_id in ids]
    fields = {**known.fields, **ItemFeatures.from_lists(ids, {"collections": lists}).fields}
    facts = Knowledge(ItemFeatures(known.item_ids, fields), dataset.facts.popularity_prior, dataset.facts.promised)
    return Dataset(dataset.name, dataset.ratings, facts), {"films": len(ids), "in collections": sum(map(len, lists))}


def _recommendations(given: tuple[Dataset, dict[str, Any]]) -> dict[str, Any]:
    from matinee.recommendations import evaluation  # noqa: PLC0415 - Django is set up only now

    dataset, films = given
    assert dataset.facts is not None
    titles = (evaluation.NEW_PEOPLE, evaluation.IN_TIME, evaluation.NEW_FILMS, evaluation.NEW_INSTANCE)
    told: dict[str, Any] = {}
    for name, kept in FACTS.items():
        print(name, file=sys.stderr, flush=True)
        all_fields = dataset.facts.features.fields
        features = ItemFeatures(
            dataset.facts.features.item_ids, {field: matrix for field, matrix in all_fields.items() if field in kept}
        )
        knowledge = Knowledge(features, dataset.facts.popularity_prior, dataset.facts.promised)
        outcomes = evaluation.evaluate(
            evaluation.Dataset(dataset.name, dataset.ratings, knowledge, has_facts=True)
        ).outcomes
        told[name] = {
            title: {metric: asdict(outcomes[title].systems[evaluation.OURS][metric]) for metric in METRICS}
            for title in titles
        }
    return {"data": dataset.name, **films, "facts": told}


def _search(folder: Path, *, each: int) -> dict[str, Any]:
    """The questions of benchmarks.search, with texts alone, and with people and keywords too."""
    from benchmarks.search import films, known_items, measuring, systems  # noqa: PLC0415 - Django is set up only now
    from matinee.search.index import refresh_index  # noqa: PLC0415 - Django is set up only now

    told = {}
    for name, with_credits in {"titles and overviews": False, "and cast, directors, keywords": True}.items():
        print(name, file=sys.stderr, flush=True)
        there = films.load(folder, with_credits=with_credits)
        refresh_index()
        _, to_report = known_items.halves(known_items.known_items(there, each=each, seed=1))
        measured = [measuring.measure(system, to_report) for system in (systems.Matinee(), systems.MatineeSuggest())]
        told[name] = {"search": measured[0]["kinds"], "suggest": measured[1]["kinds"]}
    return {"films": len(there), "questions": len(to_report), "facts": told}


def markdown(record: Mapping[str, Any]) -> str:
    about = "; ".join(record["about"].values())
    return "\n".join(["# What mirrored facts do", "", about, "", tables(record), ""])


def tables(record: Mapping[str, Any]) -> str:
    """One table for recommendations, one for search: those that are measured."""
    parts = {"recommendations": _of_recommendations, "search": _of_search}
    return "\n\n".join(part(record[name]["facts"]) for name, part in parts.items() if name in record)


def _of_recommendations(of_people: Mapping[str, Any]) -> str:
    titles = list(next(iter(of_people.values())))
    lines = [f"| facts, {' and '.join(METRICS)} | {' | '.join(titles)} |", f"|---|{'---|' * len(titles)}"]
    for name, outcomes in of_people.items():
        cells = [" · ".join(_interval(outcomes[title][metric]) for metric in METRICS) for title in titles]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _of_search(by_facts: Mapping[str, Any]) -> str:
    lines = ["| index, over all kinds of question | MRR@10 | success@1 | success@10 |", "|---|---|---|---|"]
    for name, by_system in by_facts.items():
        for system, kinds in by_system.items():
            every = kinds["all kinds alike"]
            figures = [f"{every[metric]:.4f}" for metric in ("MRR@10", "success@1", "success@10")]
            lines.append(f"| {system}: {name} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _interval(estimate: Mapping[str, float]) -> str:
    return f"{estimate['mean']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tmdb.quality", description=__doc__)
    parser.add_argument("--each", type=at_least(2), default=400, help="questions of every kind to search")
    parser.add_argument("--out", type=Path, help="write there, and leave results/ alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
