"""Spark counts what the engine would count: `make test-spark`, as its packages and Java need not be there."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.engine.config import EngineConfig
from matinee.engine.features import ItemFeatures
from matinee.engine.fitting import fit
from matinee.engine.interactions import Interactions
from matinee.engine.item_model import ItemModel
from matinee.recommendations.on_spark.needs import SparkCannotCount, look_for_spark
from matinee.recommendations.pool import newest_model
from tests.recommendations.conftest import SPACE_FILMS, rate

try:
    look_for_spark()
except SparkCannotCount as missing:
    pytest.skip(f"{missing} `make test-spark` does.", allow_module_level=True)

import pyarrow as pa
from pyarrow import parquet

from matinee.recommendations.on_spark import statistics
from matinee.recommendations.on_spark.counting import packed, unpacked
from matinee.recommendations.on_spark.session import counted_by_spark

FILMS = np.arange(1, 61, dtype=np.int64)
CONFIG = EngineConfig(head_ratings=20)


def some_ratings(*, dated: bool) -> Interactions:
    """40 people with a taste for odd films or for even ones, ten films each, half stars among them."""
    random = np.random.default_rng(5)
    people = np.repeat(np.arange(40), 10)
    films = np.concatenate([random.choice(30, 10, replace=False) * 2 + 1 + person % 2 for person in range(40)])
    times = random.integers(0, 10**9, len(people)) if dated else None
    return Interactions.from_arrays(people, films, random.integers(1, 11, len(people)) / 2, times)


def fitted(ratings: Any) -> ItemModel:
    features = ItemFeatures.from_lists(FILMS, {"genres": [[film % 2] for film in FILMS.tolist()]})
    return fit(ratings, features, np.linspace(0, 1, 60, dtype=np.float32), CONFIG)


def write(path: Path, rows: Sequence[tuple[Any, ...]], names: Sequence[str] | None = None) -> str:
    names = names or ["user_id", "tmdb_id", "rating", "timestamp"]
    columns: Mapping[str, list[Any]] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pa.table(columns), path)
    return str(path)


@pytest.mark.parametrize("dated", [True, False])
def test_the_model_is_the_one_that_is_fitted_here(monkeypatch: pytest.MonkeyPatch, dated: bool) -> None:
    monkeypatch.setattr(statistics, "RATINGS_AT_ONCE", 150)  # so that people are parted
    ratings = some_ratings(dated=dated)

    with counted_by_spark(ratings, parquet=(), master="local[2]") as counted:
        assert (counted.n_users, counted.size) == (ratings.n_users, ratings.size)
        there = fitted(counted)

    here = fitted(ratings)
    np.testing.assert_array_equal(there.item_ids, here.item_ids)
    np.testing.assert_array_equal(there.evidence, here.evidence)
    np.testing.assert_allclose(there.expected_stars, here.expected_stars, atol=1e-5)
    np.testing.assert_allclose(there.base, here.base, rtol=1 / 400)  # its place in time is one of 400 off at most
    links, expected = (model.links.matrix(model.n_items).toarray() for model in (there, here))
    np.testing.assert_allclose(links, expected, atol=1e-5)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_block_of_pairs_travels_whole_whether_most_of_it_is_0_or_not(share: float) -> None:
    block = 1.5 * (np.random.default_rng(0).random((50, 70)) < share)

    sent = packed(block)

    assert len(sent) < block.size * 4 * 1.1 * min(1, 2 * share) + 2_000
    np.testing.assert_array_equal(unpacked(sent), block)


def test_parquet_is_counted_beside_and_of_two_ratings_the_later_one(tmp_path: Path) -> None:
    known = Interactions.from_arrays([0, 0], [1, 2], [4.0, 3.0], [10, 20])
    path = write(tmp_path / "strangers.parquet", [(0, 1, 2.0, 50), (0, 1, 5.0, 60), (7, 3, 1.0, 70)])

    with counted_by_spark(known, parquet=[path], master="local[1]") as counted:
        assert (counted.n_users, counted.size) == (3, 4)
        assert counted.item_ids.tolist() == [1, 2, 3]
        assert counted.counts().tolist() == [2, 1, 1]
        assert counted.stars().tolist() == [9, 3, 1]


@pytest.mark.parametrize(
    ("rows", "names", "said"),
    [
        ([(1, 2, 9.0, 5)], None, "can't be used"),
        ([(1, None, 4.0, 5)], None, "can't be used"),
        ([(-1, 2, 4.0, 5)], None, "can't be used"),
        ([(1, 2, 4.0)], ["user_id", "movie", "rating"], "no Parquet with the columns user_id, tmdb_id"),
    ],
)
def test_what_is_no_rating_is_refused_by_name(
    tmp_path: Path, rows: list[tuple[Any, ...]], names: list[str] | None, said: str
) -> None:
    path = write(tmp_path / "wrong.parquet", rows, names)

    with (
        pytest.raises(SparkCannotCount, match=said),
        counted_by_spark(Interactions.empty(), parquet=[path], master="local[1]"),
    ):
        pass


def test_a_training_of_the_product_reads_both(alice: User, cinema: None, tmp_path: Path, settings: Settings) -> None:
    rate(alice, dict.fromkeys(SPACE_FILMS[:3], 5))
    rows = [(person, film, 4.5, 1_000_000 + film) for person in range(5) for film in SPACE_FILMS[:4]]
    settings.SPARK_PARQUET = [write(tmp_path / "strangers.parquet", rows)]
    settings.SPARK_MASTER = "local[1]"
    left_by_a_killed_one = settings.DATA_DIR / "spark" / "killed"
    left_by_a_killed_one.mkdir(parents=True)
    said = io.StringIO()

    call_command("train", stdout=said)

    assert "20 ratings from Parquet" in said.getvalue()
    model = newest_model()
    assert model is not None
    assert model.model.evidence[model.model.rows_of(np.array(SPACE_FILMS[:4]))].tolist() == [6, 6, 6, 5]
    assert not left_by_a_killed_one.exists()


def test_a_cluster_that_is_not_there_is_told(cinema: None, settings: Settings) -> None:
    settings.SPARK_PARQUET = ["/nowhere/at/all"]

    with pytest.raises(CommandError, match="/nowhere/at/all is no Parquet"):
        call_command("train", engine="spark")
