"""`python -m benchmarks.recommender.scale.fit_on_spark FOLDER`, where Spark is installed: the fit of `fit_matinee`, of
ratings that lie in Parquet and are counted by Spark on two cores here. MATINEE_DATA_DIR is to be FOLDER, too.

Each step is told with the memory that all of its processes have together by then.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

import benchmarks.django_ready  # noqa: F401 - counting on Spark reads Django's settings
from benchmarks.recommender.scale.fit_matinee import leave_lists
from benchmarks.recommender.scale.sample import COLUMNS, cases, knowledge
from benchmarks.recommender.scale.tree import Tree
from matinee.engine.evaluation.cases import Split
from matinee.engine.fitting import fit
from matinee.engine.interactions import Interactions
from matinee.recommendations.on_spark.session import counted_by_spark

CORES = "local[2]"
AT_ONCE = 1_000_000


def main(folder: Path) -> None:
    ratings = write_parquet(folder)
    known = knowledge(folder)
    with Tree() as tree:
        tree.tell("Starting Spark")
        with counted_by_spark(Interactions.empty(), parquet=[str(ratings)], master=CORES) as counted:
            model = fit(counted, known.features, known.popularity_prior, progress=tree.tell)
    split = Split(Interactions.empty(), cases(folder), known.features.item_ids)
    leave_lists(folder, model, split, tree.figures())


def write_parquet(folder: Path) -> Path:
    """As `matinee train` reads it; the whole of the ratings is never in memory."""
    people, ids, rows, stars, times = (np.load(folder / f"{column}.npy", mmap_mode="r") for column in COLUMNS)
    to = folder / "ratings.parquet"
    to.mkdir()
    for start in range(0, len(people), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        columns = {"user_id": people[some], "tmdb_id": ids[rows[some]], "rating": stars[some], "timestamp": times[some]}
        parquet.write_table(pa.table(columns), to / f"{start:012d}.parquet")
    return to


if __name__ == "__main__":
    main(Path(sys.argv[1]))
