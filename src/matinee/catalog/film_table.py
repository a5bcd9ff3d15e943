"""What lists need to know of every film, as columns read from the database: one row a film, by ascending TMDb id."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matinee.catalog.filters import LARGEST_ID, imdb_number
from matinee.catalog.models import Movie, MovieQuerySet
from matinee.core.array_files import array_files
from matinee.core.in_parts import parts

UNKNOWN_DAY = int(np.iinfo(np.int32).min)
UNKNOWN_REVENUE = int(np.iinfo(np.int64).min)
"""Any other unknown number is NaN."""

LONGEST_LANGUAGE = 8
READ_AT_ONCE = 2_000
FIELDS = (
    "tmdb_id",
    "pk",
    "release_date",
    "runtime",
    "vote_average",
    "vote_count",
    "popularity",
    "revenue",
    "original_language",
    "imdb_id",
    "collection_id",
    "genre_ids",
    "title",
)
Column: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Ragged:
    """Rows of unequal length: row i is values[offsets[i]:offsets[i + 1]]; offsets are int64 (n + 1,)."""

    values: Column
    offsets: NDArray[np.int64]

    def __getitem__(self, row: int) -> Column:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        lengths = np.diff(self.offsets)[rows]
        offsets = offsets_of(lengths)
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Ragged(self.values[places], offsets)

    def between(self, start: int, stop: int) -> Ragged:
        """The rows from `start` to before `stop`."""
        offsets = self.offsets[start : stop + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])


@dataclass(frozen=True)
class FilmTable:
    """(n,) each. Days are counted as `date.toordinal` does; an unknown language is b"", an unknown IMDb number 0, and
    so is no collection."""

    tmdb_ids: NDArray[np.int64]
    pks: NDArray[np.int64]
    release_ordinal: NDArray[np.int32]
    runtime: NDArray[np.float64]
    vote_average: NDArray[np.float64]
    vote_count: NDArray[np.float64]
    popularity: NDArray[np.float64]
    revenue: NDArray[np.int64]
    languages: NDArray[np.bytes_]
    imdb_numbers: NDArray[np.int64]
    collections: NDArray[np.int32]
    genres: Ragged
    """int64 TMDb genre ids, in the film's own order."""
    title_keys: Ragged
    """uint8: the UTF-8 of what titles are sorted by."""

    @property
    def size(self) -> int:
        return len(self.tmdb_ids)

    def title_key(self, row: int) -> bytes:
        return self.title_keys[row].tobytes()

    def take(self, rows: NDArray[np.int64]) -> FilmTable:
        taken: dict[str, Any] = {
            name: column.take(rows) if isinstance(column, Ragged) else column[rows] for name, column in _columns(self)
        }
        return FilmTable(**taken)

    def between(self, start: int, stop: int) -> FilmTable:
        """The films of these rows, not copied but for offsets."""
        taken: dict[str, Any] = {
            name: column.between(start, stop) if isinstance(column, Ragged) else column[start:stop]
            for name, column in _columns(self)
        }
        return FilmTable(**taken)

    def patched(self, changed: Sequence[int]) -> Iterator[FilmTable]:
        """This table, part by part, with the films of the `changed` ids, ascending, as they stand in the database now,
        or gone from it."""
        place = 0
        for ids in (changed[start : start + READ_AT_ONCE] for start in range(0, len(changed), READ_AT_ONCE)):
            stop = int(np.searchsorted(self.tmdb_ids, ids[-1], side="right"))
            fresh = joined([*films_by_id(Movie.objects.filter(tmdb_id__in=ids))])
            yield from _merged(self, place, stop, fresh, stale=np.array(ids, dtype=np.int64))
            place = stop
        yield from (self.between(part.start, part.stop) for part in parts(self.size, place))

    def arrays(self) -> dict[str, Column]:
        """Plain arrays by name, of which `from_arrays` makes the same table."""
        arrays: dict[str, Column] = {}
        for name, column in _columns(self):
            if isinstance(column, Ragged):
                arrays |= {f"{name}_values": column.values, f"{name}_offsets": column.offsets}
            else:
                arrays[name] = column
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Column]) -> FilmTable:
        """Raises KeyError where a column is missing."""
        columns: dict[str, Any] = {
            field.name: Ragged(arrays[f"{field.name}_values"], arrays[f"{field.name}_offsets"])
            if f"{field.name}_offsets" in arrays
            else arrays[field.name]
            for field in fields(cls)
        }
        return cls(**columns)


def films_by_id(movies: MovieQuerySet) -> Iterator[FilmTable]:
    """These films by ascending TMDb id, part by part, so that never all rows are in memory."""
    rows = movies.order_by("tmdb_id").values_list(*FIELDS).iterator(chunk_size=READ_AT_ONCE)
    while chunk := list(itertools.islice(rows, READ_AT_ONCE)):
        yield table_of(chunk)


def joined(parts: Sequence[FilmTable]) -> FilmTable:
    """All parts as one table, in memory."""
    columns: dict[str, Any] = {}
    tables = [table_of([]), *parts]
    for field in fields(FilmTable):
        of_field = [getattr(table, field.name) for table in tables]
        if isinstance(of_field[0], Ragged):
            lengths = np.concatenate([np.diff(part.offsets) for part in of_field])
            values = np.concatenate([part.values for part in of_field])
            columns[field.name] = Ragged(values, offsets_of(lengths))
        else:
            columns[field.name] = np.concatenate(of_field)
    return FilmTable(**columns)


def written(parts: Iterable[FilmTable], folder: Path) -> FilmTable:
    """All parts as one table, which is mapped from nameless files below `folder`: it is never all in memory."""
    with array_files(folder) as files:
        for part in itertools.chain([table_of([])], parts):
            for name, column in _columns(part):
                if isinstance(column, Ragged):
                    files.append({f"{name}_values": column.values})
                    files.append_offsets(f"{name}_offsets", column.offsets)
                else:
                    files.append({name: column})
        return FilmTable.from_arrays(files.mapped())


def table_of(films: Sequence[tuple[Any, ...]]) -> FilmTable:
    """The table of these films, each the values of FIELDS, given by ascending TMDb id."""
    by_field = dict(zip(FIELDS, zip(*films, strict=True), strict=True)) if films else dict.fromkeys(FIELDS, ())
    return FilmTable(
        tmdb_ids=np.array(by_field["tmdb_id"], dtype=np.int64),
        pks=np.array(by_field["pk"], dtype=np.int64),
        release_ordinal=np.array([_ordinal(day) for day in by_field["release_date"]], dtype=np.int32),
        runtime=_numbers(by_field["runtime"]),
        vote_average=_numbers(by_field["vote_average"]),
        vote_count=_numbers(by_field["vote_count"]),
        popularity=_numbers(by_field["popularity"]),
        revenue=np.array([UNKNOWN_REVENUE if r is None else r for r in by_field["revenue"]], dtype=np.int64),
        languages=np.array([_language(code) for code in by_field["original_language"]], dtype=f"S{LONGEST_LANGUAGE}"),
        imdb_numbers=np.array([imdb_number(id_ or "") or 0 for id_ in by_field["imdb_id"]], dtype=np.int64),
        collections=np.array([_collection(id_) for id_ in by_field["collection_id"]], dtype=np.int32),
        genres=_ragged([_genre_ids(ids) for ids in by_field["genre_ids"]], np.int64),
        title_keys=_ragged([list(title_key(title)) for title in by_field["title"]], np.uint8),
    )


def title_key(title: str) -> bytes:
    """What a title is sorted by: without case and accents, the same on every database."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", title).casefold())
    bare = "".join(character for character in apart if not unicodedata.combining(character))
    return " ".join(bare.split()).encode("utf-8", "surrogatepass")


def _columns(table: FilmTable) -> list[tuple[str, Column | Ragged]]:
    return [(field.name, getattr(table, field.name)) for field in fields(table)]


def _merged(
    table: FilmTable, start: int, stop: int, fresh: FilmTable, *, stale: NDArray[np.int64]
) -> Iterator[FilmTable]:
    """The rows from `start` to before `stop`, part by part, without the films of the `stale` ids, and with the `fresh`
    ones in their places."""
    begun = 0
    for part in parts(stop, start):
        kept = table.between(part.start, part.stop)
        end = int(np.searchsorted(fresh.tmdb_ids, kept.tmdb_ids[-1], side="right"))
        both = joined([kept.take(np.flatnonzero(~np.isin(kept.tmdb_ids, stale))), fresh.between(begun, end)])
        yield both.take(np.argsort(both.tmdb_ids))
        begun = end
    yield fresh.between(begun, fresh.size)


def _ordinal(day: dt.date | None) -> int:
    return UNKNOWN_DAY if day is None else day.toordinal()


def _numbers(values: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _language(code: str | None) -> bytes:
    """In lower case; one that no ISO 639 code can equal is unknown."""
    lower = (code or "").lower()
    return lower.encode("ascii") if lower.isascii() and len(lower) <= LONGEST_LANGUAGE else b""


def _collection(id_: int | None) -> int:
    """0 for none; TMDb's ids are 31 bits long, and any other is none of TMDb's."""
    return id_ if id_ is not None and 0 < id_ < 2**31 else 0


def _genre_ids(stored: Any) -> list[int]:
    ids = stored if isinstance(stored, list) else []
    whole = [id_ for id_ in ids if type(id_) is int and 0 < id_ <= LARGEST_ID]
    return list(dict.fromkeys(whole))


def _ragged(rows: list[list[int]], kind: type[np.int64] | type[np.uint8]) -> Ragged:
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    return Ragged(np.array(list(itertools.chain.from_iterable(rows)), dtype=kind), offsets_of(lengths))


def offsets_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n + 1,) where each of n rows of these lengths begins, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
