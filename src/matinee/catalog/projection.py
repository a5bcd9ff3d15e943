"""The catalogue as columns, bitmaps and orders: what answers every filter and sort without the database."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.catalog import orders
from matinee.catalog.bitmaps import (
    Mask,
    RangeBitmaps,
    Words,
    all_rows,
    checkpoints_of,
    packed,
    word_count,
    words_in,
    words_of,
)
from matinee.catalog.film_table import FilmTable
from matinee.catalog.filters import ALL_SORTS, MovieFilter, Sort, Term
from matinee.catalog.postings import Postings, TmdbIds, no_postings
from matinee.core.array_files import Room
from matinee.core.in_parts import Rows, parts, ranks
from matinee.core.remembered import Remembered

LAYOUT = 2
"""Changes with the arrays below, so that no program reads what another wrote otherwise."""

DEEPEST = 50_000
"""How many rows of a list can be paged: 500 pages of 100."""

BYTES_REMEMBERED = 32 * 2**20
FEWEST_BYTES = BYTES_REMEMBERED // 256
"""What an answer counts for at the least, so that in a small catalogue, too, no more than 256 are remembered."""

SORT_OF_COLUMN = {
    "popularity": "popularity",
    "vote_average": "vote_average",
    "release_ordinal": "primary_release_date",
    "revenue": "revenue",
}
BOUNDED = ("release_ordinal", "vote_average", "vote_count", "runtime")


@dataclass(frozen=True)
class Selection:
    """The first rows of an ordered list, at most DEEPEST, and how many films there are in all of it."""

    rows: Rows
    total: int


def projected(table: FilmTable, title_order: Rows, room: Room) -> Iterator[tuple[str, NDArray[Any]]]:
    """Everything that CatalogColumns reads, by name, one after the other; the same table gives the same bytes."""
    yield from table.arrays().items()
    for column in dict.fromkeys((*SORT_OF_COLUMN, *BOUNDED)):
        values = getattr(table, column)
        ascending = orders.ascending(values, room)
        known = ascending[: orders.known_in(values)]
        if column in SORT_OF_COLUMN:
            ties = orders.tie_starts(known, orders.apart_in(values), room)
            yield from _both_ways(SORT_OF_COLUMN[column], ascending, ties, room)
        if column in BOUNDED:
            yield f"order_{column}", ascending
            yield f"checkpoints_{column}", checkpoints_of(known, table.size, room)
    ties = orders.tie_starts(title_order, orders.apart_in_title(table), room)
    yield from _both_ways("title", title_order, ties, room)
    yield from _language_bits(table, room)
    yield from _genre_bits(table, room)
    yield from _imdb_index(table, room)


class CatalogColumns:
    """One version of the catalogue; row r is the film with the r-th smallest TMDb id.

    The columns are those of FilmTable: `tmdb_ids`, `pks` and `revenue` int64, `collections` int32, `release_ordinal`
    int32 (days, UNKNOWN_DAY where unknown), `runtime`, `vote_average`, `vote_count` and `popularity` float64 (NaN
    where unknown).
    """

    def __init__(
        self, version: str, arrays: Mapping[str, NDArray[Any]], postings: Callable[[], Postings] = no_postings
    ) -> None:
        """`postings` gives the newest; they follow the rows on their own. Raises KeyError where an array is missing."""
        plain = {name: array.view(np.ndarray) for name, array in arrays.items()}
        self.version = version
        self.table = FilmTable.from_arrays(plain)
        self.tmdb_ids = self.table.tmdb_ids
        self.pks = self.table.pks
        self.release_ordinal = self.table.release_ordinal
        self.runtime = self.table.runtime
        self.vote_average = self.table.vote_average
        self.vote_count = self.table.vote_count
        self.popularity = self.table.popularity
        self.revenue = self.table.revenue
        self.collections = self.table.collections
        self.size = self.table.size
        self._orders = {sort: plain[f"order_{sort}"] for sort in ALL_SORTS}
        self._ranks = {sort: plain[f"rank_{sort}"] for sort in ALL_SORTS}
        self._ranges = {
            name: RangeBitmaps(plain[name], plain[f"order_{name}"], plain[f"checkpoints_{name}"]) for name in BOUNDED
        }
        self._genre_bits = dict(zip(plain["genre_keys"].tolist(), plain["genre_bits"], strict=True))
        self._language_bits = dict(zip(plain["language_keys"].tolist(), plain["language_bits"], strict=True))
        self._imdb_numbers = plain["imdb_index_numbers"]
        self._imdb_rows = plain["imdb_index_rows"]
        self._nothing = words_of(np.empty(0, dtype=np.int32), self.size)
        self._everything = all_rows(self.size)
        self._postings = postings
        self._masks = Remembered[Mask](BYTES_REMEMBERED, weight=lambda mask: max(mask.words.nbytes, FEWEST_BYTES))
        self._selections = Remembered[Selection](
            BYTES_REMEMBERED, weight=lambda selection: max(selection.rows.nbytes, FEWEST_BYTES)
        )

    @property
    def title_order(self) -> Rows:
        return self._orders[Sort("title", descending=False)]

    def rows_of(self, tmdb_ids: NDArray[np.int64] | Sequence[int]) -> Rows:
        """The row of each id, in the order given; -1 where the catalogue has no such film."""
        wanted = np.asarray(tmdb_ids, dtype=np.int64)
        if self.size == 0:
            return np.full(wanted.shape, -1, dtype=np.int32)
        rows = np.minimum(np.searchsorted(self.tmdb_ids, wanted), self.size - 1).astype(np.int32)
        return np.where(self.tmdb_ids[rows] == wanted, rows, np.int32(-1))

    def genre_ids_of(self, row: int) -> tuple[int, ...]:
        """In the film's own order, the first of which tells most."""
        return tuple(self.table.genres[row].tolist())

    def mask(self, movie_filter: MovieFilter) -> Mask:
        """The films that satisfy the filter."""
        return self._mask(movie_filter, self._postings_for(movie_filter))

    def ordered(self, movie_filter: MovieFilter, sort: Sort) -> Selection:
        """The films that satisfy the filter, in the order of `sort`: the first DEEPEST, and the exact total."""
        postings = self._postings_for(movie_filter)
        key = (movie_filter, postings and postings.version, sort)
        selection = self._selections.get(key)
        if selection is None:
            selection = self._select(self._mask(movie_filter, postings), sort)
            self._selections.keep(key, selection)
        return selection

    def postings_version(self, movie_filter: MovieFilter) -> str | None:
        """With which an answer to the filter stands as long as these columns serve; None where it asks for no terms."""
        postings = self._postings_for(movie_filter)
        return None if postings is None else postings.version

    def in_order(self, rows: Rows, sort: Sort) -> Rows:
        """These rows in the order of `sort`."""
        in_order: Rows = self._orders[sort][np.sort(self._ranks[sort][rows])]
        return in_order

    def _postings_for(self, movie_filter: MovieFilter) -> Postings | None:
        return self._postings() if movie_filter.terms else None

    def _mask(self, movie_filter: MovieFilter, postings: Postings | None) -> Mask:
        key = (movie_filter, postings and postings.version)
        mask = self._masks.get(key)
        if mask is None:
            words = self._words(movie_filter)
            if postings is not None:
                for term in movie_filter.terms:
                    words &= self._mask_of(term, postings).words
            mask = Mask(_frozen(words), self.size)
            self._masks.keep(key, mask)
        return mask

    def _select(self, mask: Mask, sort: Sort) -> Selection:
        total = mask.count()
        order = self._orders[sort]
        if total == self.size:
            rows = order[:DEEPEST].copy()
        elif total * 8 < self.size:
            rows = self.in_order(mask.rows(), sort)[:DEEPEST]
        else:
            rows = _first_in(mask, order, min(total, DEEPEST))
        return Selection(_frozen(rows), total)

    def _words(self, asked: MovieFilter) -> Words:
        words = self._everything.copy()
        for genre in asked.all_genres:
            words &= self._genre_bits.get(genre, self._nothing)
        if asked.any_genres:
            words &= self._any_of(self._genre_bits, asked.any_genres)
        if asked.without_genres:
            words &= ~self._any_of(self._genre_bits, asked.without_genres)
        if asked.languages:
            words &= self._any_of(self._language_bits, [code.encode() for code in asked.languages])
        for column, low, high in _bounds(asked):
            if low is not None or high is not None:
                words &= self._ranges[column].between(low, high)
        if asked.tmdb_ids is not None:
            rows = self.rows_of(asked.tmdb_ids)
            words &= words_of(rows[rows >= 0], self.size)
        if asked.imdb_number is not None:
            start, stop = np.searchsorted(self._imdb_numbers, [asked.imdb_number, asked.imdb_number + 1])
            words &= words_of(self._imdb_rows[start:stop], self.size)
        return words

    def _mask_of(self, term: Term, postings: Postings) -> Mask:
        """Remembered by itself: the same person or keyword is asked for with other filters, too."""
        key = (term, postings.version)
        mask = self._masks.get(key)
        if mask is None:
            mask = Mask(_frozen(self._words_of(term, postings)), self.size)
            self._masks.keep(key, mask)
        return mask

    def _words_of(self, term: Term, postings: Postings) -> Words:
        """The films with any of the keys, with all of them, or with none."""
        films_of = [[postings.films(kind, key) for kind in term.kinds] for key in term.keys]
        if term.how == "all":
            words = self._everything.copy()
            for films in films_of:
                words &= self._words_of_films(films)
            return words
        words = self._words_of_films(list(itertools.chain.from_iterable(films_of)))
        return ~words if term.how == "none" else words

    def _words_of_films(self, films: Sequence[TmdbIds]) -> Words:
        if not films:
            return self._nothing
        rows = self.rows_of(np.concatenate(films).astype(np.int64))
        return words_of(rows[rows >= 0], self.size)

    def _any_of(self, bits: Mapping[Any, Words], keys: Sequence[Any]) -> Words:
        words = self._nothing.copy()
        for key in keys:
            words |= bits.get(key, self._nothing)
        return words


def _first_in(mask: Mask, order: Rows, count: int) -> Rows:
    """The first `count` rows of `order` that the mask holds, read in stretches as long as they may need to be."""
    held = mask.dense()
    found: list[Rows] = []
    place, missing = 0, count
    while missing > 0 and place < len(order):
        stretch = order[place : place + max(missing * 2, 1_024)]
        hits = stretch[held[stretch]][:missing]
        found.append(hits)
        place += len(stretch)
        missing -= len(hits)
    return np.concatenate(found) if found else order[:0]


def _bounds(asked: MovieFilter) -> Iterator[tuple[str, float | None, float | None]]:
    first, last = asked.released_from, asked.released_to
    yield "release_ordinal", first.toordinal() if first else None, last.toordinal() if last else None
    yield "vote_average", asked.vote_average_from, asked.vote_average_to
    yield "vote_count", asked.vote_count_from, None
    yield "runtime", asked.runtime_from, asked.runtime_to


def _both_ways(field: str, ascending: Rows, ties: Rows, room: Room) -> Iterator[tuple[str, NDArray[Any]]]:
    yield from _way(f"{field}.asc", ascending, room)
    yield from _way(f"{field}.desc", orders.descending(ascending, ties, room), room)


def _way(sort: str, order: Rows, room: Room) -> Iterator[tuple[str, NDArray[Any]]]:
    yield f"order_{sort}", order
    yield f"rank_{sort}", ranks(order, room)


def _genre_bits(table: FilmTable, room: Room) -> Iterator[tuple[str, NDArray[Any]]]:
    values = table.genres.values
    keys = _distinct(values)
    bits = room((len(keys), word_count(table.size)), np.uint64)
    for part in parts(table.size):
        genres = table.genres.between(part.start, part.stop)
        rows = np.repeat(np.arange(part.stop - part.start), np.diff(genres.offsets))
        for key, words in zip(keys, bits, strict=True):
            words[words_in(part)] = words_of(rows[genres.values == key], part.stop - part.start)
    yield "genre_keys", keys
    yield "genre_bits", bits


def _language_bits(table: FilmTable, room: Room) -> Iterator[tuple[str, NDArray[Any]]]:
    codes = table.languages.view(">u8")
    keys = _distinct(codes)
    keys = keys[keys != 0].astype(codes.dtype)
    bits = room((len(keys), word_count(table.size)), np.uint64)
    for part in parts(table.size):
        for key, words in zip(keys, bits, strict=True):
            words[words_in(part)] = packed(codes[part] == key)
    yield "language_keys", keys.view("S8")
    yield "language_bits", bits


def _imdb_index(table: FilmTable, room: Room) -> Iterator[tuple[str, NDArray[Any]]]:
    numbers = table.imdb_numbers
    unknown = sum(int(np.count_nonzero(numbers[part] == 0)) for part in parts(table.size))
    rows = orders.ascending(numbers, room)[unknown:]
    in_order = room(rows.shape, numbers.dtype)
    for part in parts(len(rows)):
        in_order[part] = numbers[rows[part]]
    yield "imdb_index_numbers", in_order
    yield "imdb_index_rows", rows


def _distinct(values: NDArray[Any]) -> NDArray[Any]:
    """(k,) ascending and each once, of values of which few differ."""
    return reduce(np.union1d, (values[part] for part in parts(len(values))), values[:0])


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
