"""From everything that is known to a published model: own signals, community ratings, and what the films are."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet

from matinee.catalog.matching import catalogue_titles
from matinee.catalog.models import Movie
from matinee.core.refusals import Conflict
from matinee.engine.fitting import EngineConfig, fit
from matinee.engine.interactions import Interactions
from matinee.library.models import Favorite, MovieRating
from matinee.recommendations.community import Community, community_datasets, resolve
from matinee.recommendations.pool import look_for_newer_model, model_store, newest_model
from matinee.recommendations.signals import film_features, own_interactions

FEWEST_NEW = 20
NOTICEABLE_PART = 0.002
"""A model is behind when so many ratings, or films, have come in since it was trained: this part of those that it was
trained on, and no fewer than FEWEST_NEW. What a single person does needs no training: it is folded in as they ask."""


class TrainingUnderWay(Conflict):
    """Another process is training at this moment."""

    code = "training_under_way"


@dataclass(frozen=True)
class DataCut:
    """What a model was trained on; its artifact keeps it."""

    films: int
    own_people: int
    own_ratings: int
    """Favourites included."""
    community_ratings: dict[str, int]
    """By data set."""
    high_marks: dict[str, int]
    """The highest row id of each table that training reads: how much had ever come in, without counting."""

    @property
    def ratings(self) -> int:
        return self.own_ratings + sum(self.community_ratings.values())


@dataclass(frozen=True)
class TrainingReport:
    """What a training made, and of what."""

    version: str
    data: DataCut


def train(*, now: dt.datetime, on_stage: Callable[[str], None] = lambda _: None) -> TrainingReport:
    """Fit on what there is at `now` and publish the model; without any ratings it is content and popularity.

    The same data gives the same content, byte for byte. `on_stage` is told each stage as it begins. Raises
    TrainingUnderWay.
    """
    with _alone():
        marks = _high_marks()
        on_stage("Reading films")
        features, prior = film_features()
        on_stage("Reading ratings")
        own = own_interactions(now=now)
        community = {dataset.name: _interactions(dataset) for dataset in community_datasets()}
        config = EngineConfig()
        model = fit(Interactions.together([own, *community.values()]), features, prior, config, progress=on_stage)
        on_stage("Publishing")
        data = DataCut(
            films=features.n_items,
            own_people=own.n_users,
            own_ratings=own.size,
            community_ratings={name: ratings.size for name, ratings in community.items()},
            high_marks=marks,
        )
        version = model_store().publish(model.arrays(), {"config": asdict(config), "data": asdict(data)})
    look_for_newer_model()
    return TrainingReport(version=version, data=data)


def is_behind() -> bool:
    """Whether there is no model yet though there are films, or much has come in since. A few index look-ups."""
    data, marks = _data_in_service(), _high_marks()
    if data is None:
        return marks["films"] > 0
    new_ratings = sum(marks[kind] - data.high_marks[kind] for kind in ("ratings", "favorites"))
    new_films = marks["films"] - data.high_marks["films"]
    return new_ratings >= _noticeable(data.ratings) or new_films >= _noticeable(data.films)


def may_have_changed() -> bool:
    """Whether people of this instance stand behind the model, who change their minds and leave, or anything is new."""
    data = _data_in_service()
    return data is not None and (data.own_people > 0 or data.high_marks != _high_marks())


def _data_in_service() -> DataCut | None:
    published = newest_model()
    return None if published is None else DataCut(**published.notes["data"])


def _interactions(community: Community) -> Interactions:
    """Each film under its TMDb id or minus its own number; where two got the same id, the later rating counts."""
    return Interactions.from_arrays(
        community.user_rows,
        resolve(community, catalogue_titles())[community.item_rows],
        community.ratings,
        community.timestamps,
    )


def _noticeable(trained_on: int) -> float:
    return max(FEWEST_NEW, NOTICEABLE_PART * trained_on)


def _high_marks() -> dict[str, int]:
    tables: dict[str, QuerySet[Any]] = {
        "ratings": MovieRating.objects.all(),
        "favorites": Favorite.objects.all(),
        "films": Movie.objects.all(),
    }
    return {name: rows.aggregate(highest=Max("pk"))["highest"] or 0 for name, rows in tables.items()}


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One training at a time over these artifacts, whoever starts it; a killed one leaves no lock behind."""
    settings.ARTIFACTS_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.ARTIFACTS_DIR / "training.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingUnderWay(
                "A model is being trained already; it will be in service when that is done."
            ) from None
        yield
