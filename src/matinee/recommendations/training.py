"""From everything that is known to a published model: own signals, community ratings, and what the films are."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from django.conf import settings

from matinee.catalog.titles import catalogue_titles
from matinee.core.refusals import Conflict
from matinee.core.replica import read_where_it_may_lag
from matinee.engine.arrays import Floats
from matinee.engine.config import EngineConfig
from matinee.engine.features import ItemFeatures
from matinee.engine.fitting import fit
from matinee.engine.interactions import Interactions
from matinee.engine.statistics import RatingStatistics
from matinee.recommendations import guard
from matinee.recommendations.community import KIND_PREFIX, Community, community_datasets, resolve
from matinee.recommendations.freshness import (
    LAYOUT,
    DataCut,
    community_digests,
    high_marks,
    look_for_newer_training,
    model_store,
    refusal_store,
)
from matinee.recommendations.on_spark.needs import look_for_spark
from matinee.recommendations.other_nodes import take_in_what_they_published
from matinee.recommendations.pool import look_for_newer_model, newest_model
from matinee.recommendations.signals import film_features, own_interactions

logger = logging.getLogger(__name__)


class TrainingUnderWay(Conflict):
    """Another process is training at this moment."""

    code = "training_under_way"


class LearnedFromLess(Conflict):
    """What other nodes published could not be had as the training began; now it can."""

    code = "learned_from_less"


@dataclass(frozen=True)
class TrainingReport:
    """What a training made, and of what."""

    version: str
    """Of the model that is in service now."""
    is_published: bool
    """False: the new one was worse, and the one before stays."""
    comparison: str
    """How it compares with the one before, in a sentence."""
    data: DataCut


EngineName: TypeAlias = Literal["local", "spark"]
"""Where ratings are counted: in this process, or by Spark."""


def train(
    *,
    now: dt.datetime,
    force: bool = False,
    engine: EngineName | None = None,
    on_stage: Callable[[str], None] = lambda _: None,
) -> TrainingReport:
    """Fit on what there is at `now` and publish the model; without any ratings it is content and popularity.

    A model that is worse than the one in service beyond noise is not published, unless with `force`. The same data
    gives the same content, byte for byte where it is counted here. By default Spark counts where MATINEE_SPARK_MASTER
    is set. `on_stage` is told each stage as it begins. Raises TrainingUnderWay, LearnedFromLess and SparkCannotCount.
    """
    engine = engine or ("spark" if settings.SPARK_MASTER else "local")
    if engine == "spark":
        look_for_spark()
    with _alone():
        knows_all = take_in_what_they_published()
        known = read_where_it_may_lag(lambda: _read(now, on_stage))
        config = EngineConfig()
        held_out = guard.hold_out(known.sources, known.features.item_ids)
        everything = Interactions.together([source.interactions for source in known.sources])
        learned = everything.of(~held_out.is_left_out[everything.user_rows]) if held_out.questions else everything
        if engine == "spark":
            on_stage("Counting on Spark")
        with _counted(learned, engine) as counted:
            data = known.cut(parquet_ratings=counted.size - learned.size)
            model = fit(counted, known.features, known.prior, config, on_stage, promised=known.promised)
        on_stage("Measuring on held-out people")
        look_for_newer_model()
        served = newest_model()
        verdict = guard.judge(model, served, held_out)
        notes = {"layout": LAYOUT, "data": asdict(data)}
        if verdict.is_worse and served is not None and not force:
            logger.warning("The new model is not published. %s", verdict.reason)
            refusal_store().publish({}, {**notes, "in_service": served.version, "why": verdict.reason})
            look_for_newer_training()
            return TrainingReport(served.version, is_published=False, comparison=verdict.reason, data=data)
        on_stage("Publishing")
        if not knows_all and take_in_what_they_published():
            raise LearnedFromLess("The depot was away as this training began, and answers now: train again.")
        figures = guard.notes_of(model, held_out)
        version = model_store().publish(model.arrays(), {**notes, "config": asdict(config), "held_out": figures})
        logger.info("Model %s is published. %s", version, verdict.reason)
    look_for_newer_model()
    look_for_newer_training()
    return TrainingReport(version, is_published=True, comparison=verdict.reason, data=data)


@dataclass(frozen=True)
class _Known:
    """All that there is to learn from, and what tells later on whether anything was added."""

    high_marks: dict[str, int]
    community_digests: dict[str, str]
    features: ItemFeatures
    prior: Floats
    promised: Floats
    sources: list[guard.RatingSource]
    """As `read_sources` gives them."""

    def cut(self, *, parquet_ratings: int) -> DataCut:
        own, *community = self.sources
        return DataCut(
            films=self.features.n_items,
            own_people=own.interactions.n_users,
            own_ratings=own.interactions.size,
            community_ratings={source.name.removeprefix(KIND_PREFIX): source.interactions.size for source in community},
            community_digests=self.community_digests,
            high_marks=self.high_marks,
            parquet_ratings=parquet_ratings,
        )


def _read(now: dt.datetime, on_stage: Callable[[str], None]) -> _Known:
    """The marks first: what is added while the rest is read counts as new afterwards, though it may be learned from."""
    marks, digests = high_marks(), community_digests()
    on_stage("Reading films")
    features, prior, promised = film_features()
    on_stage("Reading ratings")
    return _Known(marks, digests, features, prior, promised, read_sources(now=now))


def read_sources(*, now: dt.datetime) -> list[guard.RatingSource]:
    """All ratings to learn from: first those of own people up to `now`, then each community data set."""
    own, accounts = own_interactions(now=now)
    return [guard.RatingSource(guard.OWN, "", own, accounts), *map(_source, community_datasets())]


def _source(dataset: Community) -> guard.RatingSource:
    ratings, digest = _interactions(dataset), dataset.version.partition("-")[2]
    return guard.RatingSource(
        f"{KIND_PREFIX}{dataset.name}", digest, ratings, np.arange(ratings.n_users, dtype=np.int64)
    )


def _interactions(community: Community) -> Interactions:
    """Each film under its TMDb id or minus its own number; where two got the same id, the later rating counts."""
    return Interactions.from_arrays(
        community.user_rows,
        resolve(community, catalogue_titles())[community.item_rows],
        community.ratings,
        community.timestamps,
    )


def _counted(
    ratings: Interactions, engine: EngineName
) -> contextlib.AbstractContextManager[Interactions | RatingStatistics]:
    if engine == "local":
        return contextlib.nullcontext(ratings)
    from matinee.recommendations.on_spark.session import counted_by_spark  # noqa: PLC0415 - an extra

    return counted_by_spark(ratings, parquet=settings.SPARK_PARQUET, master=settings.SPARK_MASTER or "local[*]")


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
