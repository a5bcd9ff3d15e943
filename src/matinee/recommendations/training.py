"""From everything that is known to a published model: own signals, community ratings, and what the films are."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from django.conf import settings

from matinee.catalog.matching import catalogue_titles
from matinee.core.refusals import Conflict
from matinee.engine.fitting import EngineConfig, fit
from matinee.engine.interactions import Interactions
from matinee.recommendations.community import Community, community_datasets, resolve
from matinee.recommendations.freshness import LAYOUT, DataCut, community_digests, high_marks, model_store
from matinee.recommendations.pool import look_for_newer_model
from matinee.recommendations.signals import film_features, own_interactions


class TrainingUnderWay(Conflict):
    """Another process is training at this moment."""

    code = "training_under_way"


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
        marks, digests = high_marks(), community_digests()
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
            community_digests=digests,
            high_marks=marks,
        )
        version = model_store().publish(
            model.arrays(), {"layout": LAYOUT, "config": asdict(config), "data": asdict(data)}
        )
    look_for_newer_model()
    return TrainingReport(version=version, data=data)


def _interactions(community: Community) -> Interactions:
    """Each film under its TMDb id or minus its own number; where two got the same id, the later rating counts."""
    return Interactions.from_arrays(
        community.user_rows,
        resolve(community, catalogue_titles())[community.item_rows],
        community.ratings,
        community.timestamps,
    )


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
