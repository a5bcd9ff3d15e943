"""Ratings and facts, read where they lie; nothing of them is copied into the project."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matinee.engine.arrays import Ids
from matinee.engine.evaluation.cases import Knowledge
from matinee.engine.features import ItemFeatures
from matinee.engine.interactions import Interactions
from matinee.engine.popularity import acclaim
from matinee.engine.rating_prediction import promised_stars


@dataclass(frozen=True)
class Dataset:
    name: str
    ratings: Interactions
    facts: Knowledge | None
    """Of the films whose facts are known, by the ids of the ratings."""


def ratings_file(path: Path) -> Dataset:
    """A CSV with MovieLens's columns: userId, movieId, rating and, where there is one, timestamp."""
    with path.open(newline="", encoding="utf-8") as file:
        return Dataset(path.stem, _ratings(file), None)


def movielens_100k(wheel: Path) -> Dataset:
    """MovieLens-100K from RecBole's wheel, read as an archive."""
    with zipfile.ZipFile(wheel) as archive, archive.open("recbole/dataset_example/ml-100k/ml-100k.inter") as file:
        table = np.loadtxt(io.TextIOWrapper(file), skiprows=1)
    users, films, times = (table[:, column].astype(np.int64) for column in (0, 1, 3))
    return Dataset("MovieLens-100K", Interactions.from_arrays(users, films, table[:, 2], times), None)


def movielens_small(archive_path: Path, tmdb_lines: Path) -> Dataset:
    """MovieLens latest-small by TMDb ids (minus MovieLens's own where there is none), with TMDb's facts."""
    with zipfile.ZipFile(archive_path) as archive:
        with archive.open("ml-latest-small/ratings.csv") as file:
            ratings = _ratings(io.TextIOWrapper(file))
        with archive.open("ml-latest-small/links.csv") as file:
            links = {int(row["movieId"]): row["tmdbId"] for row in csv.DictReader(io.TextIOWrapper(file))}
    tmdb_ids, taken = [], set()
    for film in ratings.item_ids.tolist():
        tmdb_id = int(links.get(film) or 0)
        tmdb_ids.append(-film if tmdb_id == 0 or tmdb_id in taken else tmdb_id)
        taken.add(tmdb_id)
    ids = np.array(tmdb_ids)[ratings.item_rows]
    renamed = Interactions.from_arrays(ratings.user_rows, ids, ratings.ratings, ratings.timestamps)
    return Dataset("MovieLens latest-small", renamed, _facts(tmdb_lines))


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


def _facts(lines: Path) -> Knowledge:
    with gzip.open(lines, "rt", encoding="utf-8") as file:
        films = [json.loads(line) for line in file]
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
    order = np.argsort([film["id"] for film in films])
    counts, averages = (np.array([film[name] for film in films])[order] for name in ("vote_count", "vote_average"))
    return Knowledge(features, acclaim(counts, averages), promised_stars(counts, averages))
