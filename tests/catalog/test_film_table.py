"""The catalogue as columns: built and sorted part by part, so that a large one takes little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalog import orders
from matinee.catalog.film_table import FilmTable, Ragged, offsets_of, written
from matinee.catalog.projection import projected

FILMS, A_PART = 40_000, 2_000
TITLES = st.lists(st.binary(max_size=20) | st.sampled_from([b"the same title", b"the same title again", b"the\0"]))


def made_up(first: int, number: int) -> FilmTable:
    """Films with ids from `first` on, whose titles begin alike."""
    ids = np.arange(first, first + number)
    chance = np.random.default_rng(first)
    titles = [f"the film of {number % 977:03d} the {number % 83}".encode() for number in ids.tolist()]
    return FilmTable(
        tmdb_ids=ids,
        pks=ids,
        release_ordinal=chance.integers(700_000, 739_000, number).astype(np.int32),
        runtime=chance.integers(60, 200, number).astype(np.float64),
        vote_average=chance.random(number),
        vote_count=chance.integers(0, 9_000, number).astype(np.float64),
        popularity=chance.random(number),
        revenue=chance.integers(0, 10**9, number),
        languages=np.full(number, b"en", dtype="S8"),
        imdb_numbers=ids,
        collections=chance.integers(0, 50, number).astype(np.int32),
        genres=Ragged(chance.choice([18, 35], number * 2), np.arange(number + 1) * 2),
        title_keys=titled(titles),
    )


def titled(titles: list[bytes]) -> Ragged:
    lengths = np.array([len(title) for title in titles], dtype=np.int64)
    return Ragged(np.frombuffer(b"".join(titles), dtype=np.uint8), offsets_of(lengths))


def parts() -> Iterator[FilmTable]:
    return (made_up(first, A_PART) for first in range(1, FILMS, A_PART))


def bytes_a_film(work: Callable[[], Any]) -> float:
    """The most that Python and numpy hold while it runs, mapped files not counted."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / FILMS
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> FilmTable:
    return written(parts(), tmp_path_factory.mktemp("table"))


def test_a_table_is_written_part_by_part(tmp_path: Path) -> None:
    assert bytes_a_film(lambda: written(parts(), tmp_path)) < 30  # one part of twenty; the whole takes 130


def test_titles_are_put_in_order_without_an_object_for_each(table: FilmTable) -> None:
    assert bytes_a_film(lambda: orders.by_title(table)) < 100  # as objects they take 150 and more


def test_arrays_are_made_one_after_the_other(table: FilmTable) -> None:
    by_title = orders.by_title(table)

    assert bytes_a_film(lambda: [array.nbytes for _, array in projected(table, by_title)]) < 80  # all together: 250


def test_a_table_of_parts_is_the_table_of_all(table: FilmTable) -> None:
    assert table.size == FILMS
    assert table.tmdb_ids.tolist() == [*range(1, FILMS + 1)]
    assert table.title_key(FILMS - 1) == f"the film of {FILMS % 977:03d} the {FILMS % 83}".encode()
    assert table.genres[A_PART + 5].tolist() == made_up(1 + A_PART, A_PART).genres[5].tolist()


@given(titles=TITLES)
def test_titles_are_in_the_order_of_their_bytes_and_equal_ones_in_that_of_their_rows(titles: list[bytes]) -> None:
    size = len(titles)
    films = made_up(1, size)
    table = FilmTable(**{**vars(films), "title_keys": titled(titles)})

    order = orders.by_title(table)
    in_order = [titles[row] for row in order.tolist()]

    assert order.dtype == np.int32
    assert order.tolist() == sorted(range(size), key=titles.__getitem__)
    assert orders.ties_of_titles(table, order).tolist() == [
        place == 0 or title != in_order[place - 1] for place, title in enumerate(in_order)
    ]
