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

from matinee.catalog import film_table, orders
from matinee.catalog.film_table import FilmTable, Ragged, offsets_of, written
from matinee.catalog.projection import projected
from matinee.core import in_parts
from matinee.core.array_files import room_in, room_in_memory

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


def parts(films: int) -> Iterator[FilmTable]:
    return (made_up(first, A_PART) for first in range(1, films, A_PART))


def bytes_a_film_more(work: Callable[[FilmTable], Any], folder: Path) -> float:
    """By how much grows what Python and numpy hold at most while it runs, mapped files not counted, from a tenth of
    FILMS to all of them."""
    return (most_bytes(work, FILMS, folder) - most_bytes(work, FILMS // 10, folder)) / (FILMS - FILMS // 10)


def most_bytes(work: Callable[[FilmTable], Any], films: int, folder: Path) -> int:
    table = written(parts(films), folder)
    tracemalloc.start()
    try:
        work(table)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which there are several already in a tenth of the films."""
    monkeypatch.setattr(in_parts, "PART", 1_024)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> FilmTable:
    return written(parts(FILMS), tmp_path_factory.mktemp("table"))


def test_a_table_takes_no_memory_for_each_film_while_it_is_written(tmp_path: Path) -> None:
    def write(table: FilmTable) -> FilmTable:
        return written(parts(table.size), tmp_path)

    assert bytes_a_film_more(write, tmp_path) < 4  # the whole takes 130


def test_nor_does_it_where_films_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_table, "films_by_id", lambda _movies: iter(()))

    def patch(table: FilmTable) -> FilmTable:
        return written(table.patched([3, table.size - 3]), tmp_path)

    assert bytes_a_film_more(patch, tmp_path) < 4  # offsets alone take 16


def test_nor_do_orders_and_bitmaps(tmp_path: Path) -> None:
    def project(table: FilmTable) -> None:
        room = room_in(tmp_path)
        for _, array in projected(table, orders.by_title(table, room), room):
            del array

    assert bytes_a_film_more(project, tmp_path) < 4  # to sort one column in memory takes 30 and more


def test_nor_does_an_order_that_is_mended(tmp_path: Path) -> None:
    def mend(table: FilmTable) -> None:
        room = room_in(tmp_path)
        orders.by_title_mended(table, table, orders.by_title(table, room), np.array([3, table.size - 3]), room)

    assert bytes_a_film_more(mend, tmp_path) < 4


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

    order = orders.by_title(table, room_in_memory)
    in_order = [titles[row] for row in order.tolist()]

    assert order.dtype == np.int32
    assert order.tolist() == sorted(range(size), key=titles.__getitem__)
    assert orders.tie_starts(order, orders.apart_in_title(table), room_in_memory).tolist() == [
        in_order.index(title) for title in in_order
    ]
