"""What is projected part by part is what plain numpy makes of all films at once, to the byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from matinee.catalog import orders
from matinee.catalog.bitmaps import packed
from matinee.catalog.film_table import UNKNOWN_DAY, UNKNOWN_REVENUE, FilmTable, Ragged, offsets_of
from matinee.catalog.projection import BOUNDED, SORT_OF_COLUMN, projected
from matinee.core import in_parts
from matinee.core.array_files import room_in

UNKNOWN = {"release_ordinal": UNKNOWN_DAY, "revenue": UNKNOWN_REVENUE}
"""Of the others NaN."""
STEPS = 64
BEGINNINGS = (b"", b"the", b"the film of the same name", b"the film of the same name, and all of its sequels", b"the\0")
Values = NDArray[Any]


@pytest.fixture(scope="module", autouse=True)
def _small_parts() -> Iterator[None]:
    """So that some hundred films are parted, and what lies between two edges once more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_parts, "PART", 64)
        patch.setattr(in_parts, "EDGES", 3)
        patch.setattr(in_parts, "SAMPLED", 12)
        yield


@st.composite
def tables(draw: st.DrawFn) -> FilmTable:
    size = draw(st.sampled_from([0, 1, 63, 64, 65, 128, 200, 450]))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))

    def numbers(name: str, dtype: type[Any], least: int = 1) -> Values:
        """Spread, with many ties, all alike or all unknown, and some of them unknown."""
        most = draw(st.sampled_from([1, 2, 9, 10**6]))
        unknown = chance.random(size) < draw(st.sampled_from([0.0, 0.3, 1.0]))
        return np.where(unknown, UNKNOWN.get(name, np.nan), chance.integers(least, least + most, size)).astype(dtype)

    beginnings = draw(st.sampled_from([BEGINNINGS, BEGINNINGS[:1], BEGINNINGS[3:4]]))
    endings = draw(st.sampled_from([1, 5, 10**4]))
    titles = [beginnings[chance.integers(len(beginnings))] + b"%d" % chance.integers(endings) for _ in range(size)]
    genres = chance.integers(0, 4, size)
    return FilmTable(
        tmdb_ids=np.arange(1, size + 1),
        pks=np.arange(1, size + 1),
        release_ordinal=numbers("release_ordinal", np.int32),
        runtime=numbers("runtime", np.float64),
        vote_average=numbers("vote_average", np.float64, least=0),
        vote_count=numbers("vote_count", np.float64),
        popularity=numbers("popularity", np.float64, least=-3),
        revenue=numbers("revenue", np.int64),
        languages=np.array([(b"", b"en", b"fr", b"cn")[each] for each in chance.integers(0, 4, size)], dtype="S8"),
        imdb_numbers=chance.integers(0, draw(st.sampled_from([1, 3, 10**9])), size),
        collections=np.zeros(size, dtype=np.int32),
        genres=Ragged(chance.choice(np.array([18, 28, 2**40]), int(genres.sum())), offsets_of(genres)),
        title_keys=Ragged(
            np.frombuffer(b"".join(titles), dtype=np.uint8), offsets_of(np.array([*map(len, titles)], dtype=np.int64))
        ),
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_every_array_is_the_one_that_plain_numpy_makes(table: FilmTable, tmp_path: Path) -> None:
    room = room_in(tmp_path)
    expected = plainly_projected(table)

    made = dict(projected(table, orders.by_title(table, room), room))

    assert made.keys() == expected.keys()
    for name, array in made.items():
        assert (array.dtype.str, array.shape) == (expected[name].dtype.str, expected[name].shape), name
        assert array.tobytes() == expected[name].tobytes(), name


def plainly_projected(table: FilmTable) -> dict[str, Values]:
    arrays = dict(table.arrays())
    for column in {*SORT_OF_COLUMN, *BOUNDED}:
        values = getattr(table, column)
        known = values != UNKNOWN[column] if column in UNKNOWN else ~np.isnan(values)
        ascending = plain_order(values.__getitem__, known, reverse=False)
        if column in SORT_OF_COLUMN:
            sort = SORT_OF_COLUMN[column]
            arrays |= with_ranks(f"{sort}.asc", ascending)
            arrays |= with_ranks(f"{sort}.desc", plain_order(values.__getitem__, known, reverse=True))
        if column in BOUNDED:
            arrays[f"order_{column}"] = ascending
            arrays[f"checkpoints_{column}"] = plain_checkpoints(ascending, int(known.sum()))
    everything = np.ones(table.size, dtype=np.bool_)
    arrays |= with_ranks("title.asc", plain_order(table.title_key, everything, reverse=False))
    arrays |= with_ranks("title.desc", plain_order(table.title_key, everything, reverse=True))
    languages = np.unique(table.languages[table.languages != b""])
    genres = np.unique(table.genres.values)
    arrays["language_keys"], arrays["genre_keys"] = languages, genres
    arrays["language_bits"] = stacked([packed(table.languages == code) for code in languages], table.size)
    has_genre = [np.array([key in table.genres[row] for row in range(table.size)], dtype=np.bool_) for key in genres]
    arrays["genre_bits"] = stacked([packed(has) for has in has_genre], table.size)
    by_imdb = plain_order(table.imdb_numbers.__getitem__, everything, reverse=False)
    arrays["imdb_index_rows"] = by_imdb[table.imdb_numbers[by_imdb] != 0]
    arrays["imdb_index_numbers"] = table.imdb_numbers[arrays["imdb_index_rows"]]
    return arrays


def plain_order(key: Callable[[int], Any], known: NDArray[np.bool_], *, reverse: bool) -> Values:
    in_order = sorted(np.flatnonzero(known).tolist(), key=key, reverse=reverse)  # stable both ways
    return np.array([*in_order, *np.flatnonzero(~known).tolist()], dtype=np.int32)


def with_ranks(sort: str, order: Values) -> dict[str, Values]:
    return {f"order_{sort}": order, f"rank_{sort}": np.argsort(order).astype(np.int32)}


def plain_checkpoints(order: Values, known: int) -> Values:
    step = max(1, -(-known // STEPS))
    firsts = [*range(0, known, step), known] if known else [0]
    return stacked([packed(np.isin(np.arange(len(order)), order[:first])) for first in firsts], len(order))


def stacked(sets: list[Values], size: int) -> Values:
    return np.stack(sets) if sets else np.empty((0, -(-size // 64)), dtype=np.uint64)
