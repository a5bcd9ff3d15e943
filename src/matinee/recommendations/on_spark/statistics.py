"""What a fit reads of ratings, counted by Spark: for more of them than the memory of one machine holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from matinee.engine.arrays import Doubles, Ids, rows_of
from matinee.engine.ease import EaseConfig
from matinee.engine.grading import Timeline
from matinee.engine.links import Links
from matinee.engine.pairs import CountedPairs
from matinee.engine.statistics import OfInteractions
from matinee.recommendations.on_spark.counting import (
    BLOCK,
    SUMS_BY_ITEM,
    SUMS_BY_PAIR,
    added,
    by_item,
    by_pair,
    unpacked,
)

NUMBER = TypeVar("NUMBER", bound=np.generic)

RATINGS_AT_ONCE = 3_000_000
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
            timeline=_timeline(kept) if 0 < size == dated else None,
            folder=folder,
        )

    def counts(self) -> Doubles:
        return self._counted(lambda part: part.counts())

    def squares(self, config: EaseConfig) -> Doubles:
        return self._counted(lambda part: part.squares(config))

    def recent_liking(self, config: EaseConfig, half_life: float) -> Doubles:
        return self._counted(lambda part: part.recent_liking(config, half_life))

    def stars(self) -> Doubles:
        return self._counted(lambda part: part.stars())

    def generosity(self, expected: Doubles, doubt: float) -> Doubles:
        item_ids = self.item_ids
        return self._counted(lambda part: part.generosity(expected[rows_of(item_ids, part.item_ids)], doubt))

    def pairs(self, item_ids: Ids, config: EaseConfig) -> CountedPairs:
        """Written to `folder` a block of items at a time, and mapped from there."""
        count = by_pair(item_ids, config, has_times=self.timeline is not None)
        parts = self.ratings.mapInArrow(count, SUMS_BY_PAIR).rdd.map(lambda row: (row.block, bytes(row.sums)))
        n_blocks = max(1, math.ceil(len(item_ids) / BLOCK))
        blocks = parts.reduceByKey(added, numPartitions=n_blocks, partitionFunc=int)
        diagonal, counts = np.zeros(len(item_ids)), np.zeros(len(item_ids), dtype=np.int64)
        columns, sums = self.folder / "columns", self.folder / "sums"
        with columns.open("wb") as of_columns, sums.open("wb") as of_sums:
            for block, content in blocks.toLocalIterator():  # a partition a block, so they come in order
                matrix = unpacked(content)
                rows = slice(block * BLOCK, block * BLOCK + matrix.shape[0])
                diagonal[rows], counts[rows] = matrix.diagonal(block * BLOCK), np.diff(matrix.indptr)
                of_columns.write(matrix.indices.astype(np.int32).tobytes())
                of_sums.write(matrix.data.astype(np.float32).tobytes())
        ends = np.concatenate([[0], np.cumsum(counts)])
        return CountedPairs(diagonal, Links(ends, _mapped(columns, np.int32), _mapped(sums, np.float32)))

    def _counted(self, count: Callable[[OfInteractions], Doubles]) -> Doubles:
        parts = self.ratings.mapInArrow(by_item(count, self.timeline), SUMS_BY_ITEM)
        sums = parts.groupBy("item").agg(sql.sum("total").alias("total")).toArrow()
        totals = np.zeros(len(self.item_ids))
        totals[rows_of(self.item_ids, sums.column("item").to_numpy())] = sums.column("total").to_numpy()
        return totals


def _mapped(path: Path, kind: type[NUMBER]) -> NDArray[NUMBER]:
    if not path.stat().st_size:  # an empty file can't be mapped
        return np.zeros(0, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r")


def _timeline(ratings: DataFrame) -> Timeline:
    """Within one of the MOMENTS ratings are taken to have come in evenly."""
    first, last = ratings.agg(sql.min("rated_at"), sql.max("rated_at")).collect()[0]
    step = max(1, math.ceil((last - first + 1) / MOMENTS))
    place = sql.floor((sql.col("rated_at") - first) / step).alias("place")
    found = ratings.groupBy(place).count().toArrow()
    counts = np.bincount(found.column("place").to_numpy(), found.column("count").to_numpy())
    shares = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    return Timeline(first - 1 + step * np.arange(len(shares), dtype=np.int64), shares)
