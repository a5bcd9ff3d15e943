"""MovieLens data sets as community ratings: fetched or read from a file, checked, stored, and told how they fit."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from matinee.catalog.models import Movie
from matinee.catalog.titles import catalogue_titles
from matinee.core.progress import Progress
from matinee.recommendations.community import Community, RatingsIntake, remove_community, resolve, store_community
from matinee.transfer.downloads import Limits, Unreachable, download, download_wheel
from matinee.transfer.movielens_files import film_table, layout_of, rating_chunks
from matinee.transfer.sources import BadDataSet, opened_source

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
LICENCE_NOTICE = (
    "MovieLens data is GroupLens', University of Minnesota: for research, not for commercial use without their "
    "permission, and without any endorsement by them; the README of each data set has the terms. Cite: "
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4: 19:1-19:19. https://doi.org/10.1145/2827872"
)
ANY_DOWNLOAD = Limits(most_bytes=2 * 2**30, seconds=3_600)
BATCH = 1_000
SHOWN_UNMATCHED = 5


@dataclass(frozen=True)
class Published:
    """A data set that MovieLens publishes, and the checksum of its ratings by which it is known."""

    name: str
    archive: str
    algorithm: str
    checksum: str
    limits: Limits
    wheel: str | None = None
    """A package that holds it too, for a machine that reaches a package index and not GroupLens."""


PUBLISHED = {
    published.name: published
    for published in (
        Published(
            name="100k",
            archive="ml-100k.zip",
            algorithm="sha256",  # of u.data
            checksum="06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
            limits=Limits(most_bytes=2**25, seconds=20),
            wheel="recbole==1.2.1",
        ),
        Published(
            name="small",
            archive="ml-latest-small.zip",
            algorithm="sha256",  # of ratings.csv as of September 2018
            checksum="aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
            limits=Limits(most_bytes=2**25, seconds=60),
        ),
        Published(
            name="32m",
            archive="ml-32m.zip",
            algorithm="md5",  # of ratings.csv, which is what its README gives
            checksum="cf12b74f9ad4b94a011f079e26d4270a",
            limits=Limits(most_bytes=2**30, seconds=3_600),
        ),
    )
}


@dataclass(frozen=True)
class MovielensReport:
    """What was stored, and how much of it the catalogue knows."""

    name: str
    version: str
    is_new: bool
    """False where the very same set was stored already."""
    people: int
    ratings: int
    films: int
    matched_films: int
    matched_ratings: int
    filled_imdb_ids: int
    first_unmatched: tuple[str, ...]
    """The films most rated among those that found no film."""
    unmatched_file: Path
    """All of them: MovieLens' number, title, ratings."""


def load_movielens(
    what: str,
    *,
    file: Path | None = None,
    now: dt.datetime,
    on_progress: Progress = lambda *_: None,
) -> MovielensReport:
    """Store a data set in the place of the one of its name: "100k", "small", "32m", an https address, or a path.

    `file` takes the place of the download. Raises BadDataSet or Unreachable; then nothing has changed.
    """
    published = PUBLISHED.get(what)
    if file is not None or (published is None and not what.startswith(("https:", "http:"))):
        path = Path(what) if file is None else file
        return _load(path, _name(what), published, now=now, on_progress=on_progress)
    refusals: list[str] = []
    for fetch in _fetches(what, published, on_progress):
        try:
            path = fetch()
        except Unreachable as error:
            refusals.append(error.detail)
            continue
        try:
            return _load(path, _name(what), published, now=now, on_progress=on_progress)
        except BadDataSet as error:
            path.unlink()
            refusals.append(error.detail)
        finally:
            if published is None:
                path.unlink(missing_ok=True)
    raise Unreachable(" ".join([*refusals, "A file that you have serves as well: --file PATH."]))


def remove_movielens(name: str) -> Path | None:
    """Take away the data set that is stored under a name; returns the file that it was fetched as, if that is kept.

    Raises NoSuchSet and DepotAway; then nothing has changed.
    """
    remove_community(name)
    _unmatched_file(name).unlink(missing_ok=True)
    kept = Path(settings.DATA_DIR) / "downloads" / PUBLISHED[name].archive if name in PUBLISHED else None
    return kept if kept is not None and kept.exists() else None


def _fetches(what: str, published: Published | None, on_progress: Progress) -> Iterator[Callable[[], Path]]:
    """Every way to the file, the quickest first. What was fetched of a published set is kept for the next time."""
    folder = Path(settings.DATA_DIR) / "downloads"

    def from_url(url: str, target: Path, limits: Limits) -> Path:
        download(url, target, limits=limits, on_bytes=lambda done, whole: on_progress("Downloading", done, whole))
        return target

    if published is None:
        yield lambda: from_url(what, folder / "from-an-address", ANY_DOWNLOAD)
        return
    kept = [folder / published.archive]
    if published.wheel is not None:
        kept += folder.glob(f"{published.wheel.replace('==', '-')}-*.whl")
    for path in kept:
        if path.exists():
            yield lambda path=path: path  # type: ignore[misc] # mypy can't type a lambda's default
    yield lambda: from_url(f"{GROUPLENS}/{published.archive}", folder / published.archive, published.limits)
    if (wheel := published.wheel) is not None:
        yield lambda: download_wheel(wheel, folder, seconds=120)


def _load(
    path: Path, name: str, published: Published | None, *, now: dt.datetime, on_progress: Progress
) -> MovielensReport:
    with opened_source(path) as source, RatingsIntake(Path(settings.DATA_DIR) / "incoming") as intake:
        layout = layout_of(source)
        table = film_table(source, layout)
        checksum = hashlib.new(published.algorithm if published else "sha256", usedforsecurity=False)
        whole = source.size(layout.ratings)
        for chunk in rating_chunks(
            source,
            layout,
            table.films,
            checksum=checksum,
            on_bytes=lambda done: on_progress("Reading", done, whole),
        ):
            intake.append(*chunk)
        if not intake.size:
            raise BadDataSet(f"{layout.ratings} holds no ratings.")
        if published is not None and checksum.hexdigest() != published.checksum:
            raise BadDataSet(
                f"{path} is not MovieLens {published.name} as it is known here: the checksum of its ratings differs. "
                "Load it by its path or address to take it nevertheless."
            )
        community, is_new = store_community(
            name, numbering=layout.numbering, ratings=intake.ratings(), films=table.films
        )
    filled = fill_imdb_ids(table.imdb_ids, now=now)
    return _report(community, is_new=is_new, filled_imdb_ids=filled)


@transaction.atomic
def fill_imdb_ids(imdb_ids: dict[int, str], *, now: dt.datetime) -> int:
    """Give the films of the catalogue that have no IMDb id the one that `imdb_ids` has for their TMDb id."""
    filled = 0
    tmdb_ids = sorted(imdb_ids)
    for start in range(0, len(tmdb_ids), BATCH):
        without = Movie.objects.select_for_update().filter(
            Q(imdb_id__isnull=True) | Q(imdb_id=""), tmdb_id__in=tmdb_ids[start : start + BATCH]
        )
        movies = list(without.only("id", "tmdb_id"))
        for movie in movies:
            movie.imdb_id, movie.updated_at = imdb_ids[movie.tmdb_id], now
        filled += Movie.objects.bulk_update(movies, ["imdb_id", "updated_at"], batch_size=BATCH // 4)
    return filled


def _report(community: Community, *, is_new: bool, filled_imdb_ids: int) -> MovielensReport:
    """Match against the catalogue as training will; films in MovieLens' links that the catalogue lacks don't count."""
    known = np.fromiter(Movie.objects.values_list("tmdb_id", flat=True).order_by().iterator(), dtype=np.int64)
    is_matched = np.isin(resolve(community, catalogue_titles()), known)
    raters = np.bincount(community.item_rows, minlength=len(is_matched))
    unmatched = sorted(np.flatnonzero(~is_matched).tolist(), key=lambda row: (-raters[row], row))
    path = _unmatched_file(community.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["movielens_id", "title", "ratings"])
        writer.writerows((community.movielens_ids[row], community.titles[row], raters[row]) for row in unmatched)
    return MovielensReport(
        name=community.name,
        version=community.version,
        is_new=is_new,
        people=community.n_people,
        ratings=len(community.ratings),
        films=len(is_matched),
        matched_films=int(is_matched.sum()),
        matched_ratings=int(raters[is_matched].sum()),
        filled_imdb_ids=filled_imdb_ids,
        first_unmatched=tuple(community.titles[row] for row in unmatched[:SHOWN_UNMATCHED]),
        unmatched_file=path,
    )


def _unmatched_file(name: str) -> Path:
    return Path(settings.DATA_DIR) / "reports" / f"movielens-{name}-unmatched.csv"


def _name(what: str) -> str:
    """The name that a set is stored under: a published one's own, else made of the last part of its path."""
    if what in PUBLISHED:
        return what
    last = Path(urlsplit(what).path if "://" in what else what).resolve()
    for published in PUBLISHED.values():
        if last.name in (published.archive, published.archive.removesuffix(".zip")):
            return published.name
    return re.sub(r"[^a-z0-9]+", "-", last.stem.lower()).strip("-")[:50] or "unnamed"
