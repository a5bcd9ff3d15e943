"""What a fit reads of ratings, counted by Spark: for more of them than the memory of one machine holds."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.ease import EaseConfig
from matinee.engine.grading import Timeline
from matinee.engine.pairs import Block, Places
from matinee.engine.statistics import OfInteractions
from matinee.recommendations.on_spark.counting import (
    SUMS_BY_ITEM,
    SUMS_BY_PAIR,
    added_up_in,
    block_height,
    by_item,
    by_pair,
    unpacked,
)

RATINGS_AT_ONCE = 6_000_000
"""An executor's Python holds the people of so many ratings at a time, and the pairs of their films."""

MOMENTS = 65_536
"""When all ratings were given is told by their number at so many moments, evenly spread."""


@dataclass(frozen=True)
class SparkStatistics:
    """`RatingStatistics` of a frame's ratings."""

    ratings: DataFrame
    """`counting.COLUMNS`: one rating for each person and item, all of a person in one partition."""

    item_ids: Ids
    """(n,) sorted; every one has a rating."""

    n_users: int
    size: int
    parts: int
    """Partitions of `ratings`."""

    timeline: Timeline | None
    folder: Path
    """Where the sums over pairs are kept while a fit reads them."""

    @classmethod
    def of(cls, ratings: DataFrame, folder: Path) -> SparkStatistics:
        """Of `counting.COLUMNS` in any order; where a person rated an item twice, the later rating counts.

        Times count where every rating has one.
        """
        latest = sql.max_by("rating", sql.struct("rated_at", "rating")).alias("rating")
        single = ratings.groupBy("person", "item").agg(latest, sql.max("rated_at").alias("rated_at"))
        parts = max(1, math.ceil(ratings.count() / RATINGS_AT_ONCE))
        kept = single.repartition(parts, "person").sortWithinPartitions("person", "item").persist()
        users, size, dated = kept.agg(sql.count_distinct("person"), sql.count("*"), sql.count("rated_at")).collect()[0]
        items = kept.select("item").distinct().toArrow().column(0).to_numpy()
        return cls(
            ratings=kept,
            item_ids=np.sort(items.astype(np.int64)),
            n_users=users,
            size=size,
            parts=parts,
            timeline=_timeline(kept) if 0 < size == dated else None,
            folder=folder,
        )

    def counts(self) -> Doubles:
        return self.counted(lambda part: part.counts())

    def squares(self, config: EaseConfig) -> Doubles:
        return self.counted(lambda part: part.squares(config))

    def recent_liking(self, config: EaseConfig, half_life: float) -> Doubles:
        return self.counted(lambda part: part.recent_liking(config, half_life))

    def stars(self) -> Doubles:
        return self.counted(lambda part: part.stars())

    def generosity(self, expected: Doubles, doubt: float) -> Doubles:
        item_ids = self.item_ids
        return self.counted(lambda part: part.generosity(expected[rows_of(item_ids, part.item_ids)], doubt))

    def pairs(self, item_ids: Ids, config: EaseConfig) -> SparkPairs:
        return SparkPairs(self, item_ids, config)

    def counted(self, count: Callable[[OfInteractions], Doubles]) -> Doubles:
        parts = self.ratings.mapInArrow(by_item(count, self.timeline), SUMS_BY_ITEM)
        sums = parts.groupBy("item").agg(sql.sum("total").alias("total")).toArrow()
        totals = np.zeros(len(self.item_ids))
        totals[rows_of(self.item_ids, sums.column("item").to_numpy())] = sums.column("total").to_numpy()
        return totals


@dataclass(frozen=True)
class SparkPairs:
    """`PairSums` that are counted as they are asked for: of a fit's items only some are ever paired."""

    statistics: SparkStatistics
    item_ids: Ids
    """(n,) sorted, and at least all that have ratings."""

    config: EaseConfig

    def squares(self) -> Doubles:
        config, of_all = self.config, np.zeros(len(self.item_ids))
        of_rated = self.statistics.counted(lambda part: part.pairs(part.item_ids, config).squares())
        of_all[rows_of(self.item_ids, self.statistics.item_ids)] = of_rated
        return of_all

    def between(self, rows: Places, columns: Places, dtype: np.dtype[np.floating]) -> Block:
        """A file for each block of rows, which is read when it is asked for."""
        of_all = self.statistics
        height = block_height(len(columns), parts=of_all.parts)
        folder = Path(tempfile.mkdtemp(dir=of_all.folder, prefix="pairs-"))
        has_times = of_all.timeline is not None
        count = by_pair(self.item_ids, rows, columns, self.config, height=height, has_times=has_times)
        counted = of_all.ratings.mapInArrow(count, SUMS_BY_PAIR)
        counted.groupBy("block").applyInArrow(added_up_in(folder), "block int").collect()

        def block(some: slice) -> NDArray[np.floating]:
            start, stop, _ = some.indices(len(rows))
            dense = np.zeros((max(0, stop - start), len(columns)), dtype=dtype)
            for number in range(start // height, -(-stop // height)):
                path, first = folder / str(number), number * height
                if path.exists():
                    sums = unpacked(path.read_bytes())[max(0, start - first) : stop - first]
                    place = max(0, first - start)
                    dense[place : place + len(sums)] = sums
            return dense

        return block


def _timeline(ratings: DataFrame) -> Timeline:
    """Within one of the MOMENTS ratings are taken to have come in evenly."""
    first, last = ratings.agg(sql.min("rated_at"), sql.max("rated_at")).collect()[0]
    step = max(1, math.ceil((last - first + 1) / MOMENTS))
    place = sql.floor((sql.col("rated_at") - first) / step).alias("place")
    found = ratings.groupBy(place).count().toArrow()
    counts = np.bincount(found.column("place").to_numpy(), found.column("count").to_numpy())
    shares = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    return Timeline(first - 1 + step * np.arange(len(shares), dtype=np.int64), shares)
