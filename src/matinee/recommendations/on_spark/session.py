"""A Spark session for one training, and the ratings brought before it."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from django.conf import settings
from pyarrow import parquet as parquet_files
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from matinee.engine.interactions import HIGHEST_RATING, LOWEST_RATING, Interactions
from matinee.engine.statistics import RatingStatistics
from matinee.recommendations.on_spark.counting import COLUMNS
from matinee.recommendations.on_spark.needs import SparkCannotCount
from matinee.recommendations.on_spark.statistics import SparkStatistics

logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of each connection that it closes

AT_ONCE = 1_000_000
SOURCE_SHIFT = 48
"""A person is the number of their source, so many bits up, and who they are within it below."""
PARQUET_COLUMNS = {"user_id": "bigint", "tmdb_id": "bigint", "rating": "float", "timestamp": "bigint"}


@contextmanager
def counted_by_spark(ratings: Interactions, *, parquet: Sequence[str], master: str) -> Iterator[RatingStatistics]:
    """The statistics of `ratings` and of all ratings in `parquet`, folders or files, while the context lasts.

    Every Parquet data set has the columns `user_id`, `tmdb_id`, `rating` (0.5 to 5) and `timestamp` (seconds since
    1970, or null); its people are nobody else's. Executors must see the data directory under the same path. Raises
    SparkCannotCount.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    scratch = settings.DATA_DIR / "spark"
    shutil.rmtree(scratch, ignore_errors=True)  # of a training that was killed; there is one at a time
    scratch.mkdir()
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
        builder = SparkSession.builder.master(master).appName("matinee train")
        quietly = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
        spark = quietly.config("spark.local.dir", folder).getOrCreate()
        try:
            spark.sparkContext.setLogLevel("ERROR")
            frame = _known(spark, ratings, Path(folder) / "known")
            for source, path in enumerate(parquet, start=1):
                frame = frame.union(_found(spark, path, source))
            yield SparkStatistics.of(frame, Path(folder))
        finally:
            spark.stop()


def _known(spark: SparkSession, ratings: Interactions, folder: Path) -> DataFrame:
    """What this instance holds, written to Parquet in slices."""
    folder.mkdir()
    types = (pa.int64(), pa.int64(), pa.float32(), pa.int64())
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    for start in range(0, max(1, ratings.size), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        people, items, stars = ratings.user_rows[some], ratings.item_rows[some], ratings.ratings[some]
        times = pa.nulls(len(people)) if ratings.timestamps is None else ratings.timestamps[some]
        columns = (people, ratings.item_ids[items], stars, times)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        parquet_files.write_table(pa.Table.from_arrays(arrays, schema=schema), folder / f"{start:015d}.parquet")
    return spark.read.schema("person bigint, item bigint, rating float, rated_at bigint").parquet(folder.as_uri())


def _found(spark: SparkSession, path: str, source: int) -> DataFrame:
    """A Parquet data set, its people told from those of others."""
    try:
        columns = [sql.col(name).cast(kind) for name, kind in PARQUET_COLUMNS.items()]
        frame = spark.read.parquet(path).select(*columns).toDF(*COLUMNS)
    except AnalysisException as error:
        raise SparkCannotCount(
            f"{path} is no Parquet with the columns {', '.join(PARQUET_COLUMNS)}: {error.getMessage()}"
        ) from error
    is_usable = (
        sql.col("person").between(0, 2**SOURCE_SHIFT - 1)
        & (sql.col("item") > 0)
        & sql.col("rating").between(LOWEST_RATING, HIGHEST_RATING)
    )
    unusable = frame.where(is_usable.isNull() | ~is_usable).limit(1).collect()
    if unusable:
        raise SparkCannotCount(f"{path} holds a rating that can't be used: {unusable[0].asDict()}.")
    return frame.withColumn("person", sql.col("person") + sql.lit(source * 2**SOURCE_SHIFT))
