"""Whether the model in service is behind what there is to learn from. Asked every second, so it counts no table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet

from matinee.catalog.models import Movie
from matinee.core.artifacts import Artifact, ArtifactStore
from matinee.core.in_service import Latest
from matinee.library.models import Favorite, MovieRating
from matinee.recommendations.community import KIND_PREFIX

LAYOUT = 5
"""Of a model's arrays and notes; counted up whenever they change, so that an upgrade trains anew."""
MODEL_KIND = f"model-{LAYOUT}"
REFUSAL_KIND = f"model-refused-{LAYOUT}"
"""With the layout in the name, so that programs of two layouts train and serve each their own during an upgrade."""
FEWEST_NEW = 20
NOTICEABLE_PART = 0.002
"""A model is behind when so many ratings, or films, have come in since it was trained: this part of those that it was
trained on, and no fewer than FEWEST_NEW. What a single person does needs no training: it is folded in as they ask."""


@dataclass(frozen=True)
class DataCut:
    """What a model was trained on; its artifact keeps it."""

    films: int
    own_people: int
    own_ratings: int
    """Favourites included."""
    community_ratings: dict[str, int]
    """By data set."""
    community_digests: dict[str, str]
    """Of the content of each data set."""
    high_marks: dict[str, int]
    """The highest row id of each table that training reads: what is above it is new."""
    parquet_ratings: int = 0
    """Of Parquet data sets, which Spark alone reads."""

    @property
    def ratings(self) -> int:
        return self.own_ratings + sum(self.community_ratings.values()) + self.parquet_ratings


def is_behind() -> bool:
    """Whether films are there and no readable model, or much has come in since, or other community ratings."""
    data = _cut_of_last_training()
    if data is None:
        return Movie.objects.exists()
    if data.community_digests != community_digests():
        return True
    enough = _noticeable(data.ratings)
    new_ratings = sum(_come_in(kind, data, at_most=enough) for kind in ("ratings", "favorites"))
    enough_films = _noticeable(data.films)
    return new_ratings >= enough or _come_in("films", data, at_most=enough_films) >= enough_films


def may_have_changed() -> bool:
    """Whether people of this instance stand behind the model, who change their minds and leave, or anything is new."""
    data = _cut_of_last_training()
    return data is not None and (data.own_people > 0 or data.high_marks != high_marks())


def community_digests() -> dict[str, str]:
    """Of each data set in service; the small file that names its version is read, no more."""
    root = Path(settings.ARTIFACTS_DIR)
    versions = {path.name: ArtifactStore(root, path.name).current_version() for path in root.glob(f"{KIND_PREFIX}*")}
    return {kind.removeprefix(KIND_PREFIX): version.partition("-")[2] for kind, version in versions.items() if version}


def high_marks() -> dict[str, int]:
    """One index look-up each."""
    return {name: rows.aggregate(highest=Max("pk"))["highest"] or 0 for name, rows in _tables().items()}


def model_store() -> ArtifactStore:
    """Where models are published."""
    return ArtifactStore(settings.ARTIFACTS_DIR, MODEL_KIND)


def refusal_store() -> ArtifactStore:
    """Where a training leaves word that its model was worse than the one in service; there is nothing but notes."""
    return ArtifactStore(settings.ARTIFACTS_DIR, REFUSAL_KIND)


def look_for_newer_training() -> None:
    """Have the next question look at the disk: for the process that has just trained."""
    for latest in (_in_service, _refused):
        latest(settings.ARTIFACTS_DIR).forget()


def _cut_of_last_training() -> DataCut | None:
    """What was refused counts as well, or the same worse model would be made again every quarter of an hour."""
    in_service, refused = _in_service(settings.ARTIFACTS_DIR).get(), _refused(settings.ARTIFACTS_DIR).get()
    if in_service is not None and refused is not None and refused.in_service == in_service.in_service:
        return refused.data
    return None if in_service is None else in_service.data


def _tables() -> dict[str, QuerySet[Any]]:
    return {"ratings": MovieRating.objects.all(), "favorites": Favorite.objects.all(), "films": Movie.objects.all()}


def _come_in(kind: str, data: DataCut, *, at_most: int) -> int:
    """How many rows are newer than the cut; the index is read no further than `at_most`."""
    return _tables()[kind].filter(pk__gt=data.high_marks[kind]).order_by("pk")[:at_most].count()


def _noticeable(trained_on: int) -> int:
    return max(FEWEST_NEW, int(NOTICEABLE_PART * trained_on))


@dataclass(frozen=True)
class _Training:
    in_service: str
    """The version of the model that was in service after it."""
    data: DataCut


@lru_cache(maxsize=4)
def _in_service(root: Path) -> Latest[_Training]:
    return Latest(lambda: ArtifactStore(root, MODEL_KIND), lambda artifact: _training(artifact, artifact.version))


@lru_cache(maxsize=4)
def _refused(root: Path) -> Latest[_Training]:
    return Latest(
        lambda: ArtifactStore(root, REFUSAL_KIND), lambda artifact: _training(artifact, artifact.notes["in_service"])
    )


def _training(artifact: Artifact, in_service: str) -> _Training:
    if artifact.notes.get("layout") != LAYOUT:
        raise ValueError(f"The model has layout {artifact.notes.get('layout')}, this program reads {LAYOUT}.")
    return _Training(in_service, DataCut(**artifact.notes["data"]))
