"""MovieLens' files as its sets of 1998 to 2024 write them: a table of films, a table of ratings, sometimes links.

Ratings are read in chunks of some megabytes, whatever their number. Every line is checked; a bad one is named.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.core.text import UnacceptableText, cleaned
from matinee.recommendations.community import Films, Numbering
from matinee.transfer.sources import BadDataSet, Source

MOST_RATING_BYTES = 4 * 2**30
MOST_TABLE_BYTES = 64 * 2**20
MOST_RATINGS = 100_000_000
LONGEST_TITLE = 500
CHUNK_BYTES = 8 * 2**20
LARGEST_ID = 2**31 - 1
LATEST_TIME = 2**33

_RATING = np.dtype([("user", "i8"), ("film", "i8"), ("stars", "f8"), ("time", "i8")])
_RATING_LINE = re.compile(rb"\d{1,18},\d{1,18},\d{1,18}(?:\.\d{0,18})?,\d{1,18}")
_ALLOWED = np.zeros(256, dtype=np.bool_)
_ALLOWED[np.frombuffer(b"0123456789.,\n", dtype=np.uint8)] = True


class RatingsChunk(NamedTuple):
    """Some ratings, column by column."""

    user_ids: NDArray[np.int64]
    movielens_ids: NDArray[np.int64]
    stars: NDArray[np.float64]
    timestamps: NDArray[np.int64]


@dataclass(frozen=True)
class LinkedFilms:
    """The films of a set, and the IMDb ids that its links give to TMDb ids."""

    films: Films
    imdb_ids: dict[int, str]


@dataclass(frozen=True)
class Layout:
    """One way in which MovieLens has written a data set."""

    ratings: str
    films: str
    separator: str
    film_separator: str
    encodings: tuple[str, ...]
    ratings_header: str | None = None
    films_header: bool = False
    links: str | None = None
    numbering: Numbering = "movielens"
    has_year_column: bool = False
    """RecBole keeps the year in a column of its own, and its first line is no part of what GroupLens published."""


LAYOUTS = (
    Layout(  # latest-small, 20m, 25m, 32m
        ratings="ratings.csv",
        films="movies.csv",
        links="links.csv",
        separator=",",
        film_separator=",",
        encodings=("utf-8-sig",),
        ratings_header="userId,movieId,rating,timestamp",
        films_header=True,
    ),
    Layout(  # 100k as GroupLens gives it
        ratings="u.data",
        films="u.item",
        separator="\t",
        film_separator="|",
        encodings=("latin-1",),
        numbering="movielens-100k",
    ),
    Layout(  # 100k as RecBole gives it
        ratings="ml-100k.inter",
        films="ml-100k.item",
        separator="\t",
        film_separator="\t",
        encodings=("utf-8",),
        ratings_header="user_id:token\titem_id:token\trating:float\ttimestamp:float",
        films_header=True,
        numbering="movielens-100k",
        has_year_column=True,
    ),
    Layout(  # 1m and 10m
        ratings="ratings.dat",
        films="movies.dat",
        separator="::",
        film_separator="::",
        encodings=("utf-8", "latin-1"),
    ),
)


def layout_of(source: Source) -> Layout:
    """The way in which `source` is written. Raises BadDataSet."""
    for layout in LAYOUTS:
        if layout.ratings in source and layout.films in source:
            return layout
    pairs = "; or ".join(f"{layout.ratings} and {layout.films}" for layout in LAYOUTS)
    raise BadDataSet(f"This is no MovieLens data set. One holds {pairs}.")


def film_table(source: Source, layout: Layout) -> LinkedFilms:
    """The films in ascending order of MovieLens' numbers, with what links tell. Raises BadDataSet."""
    titles: dict[int, str] = {}
    for line, fields in _table(source, layout.films, layout):
        title = _title(fields[1]) if len(fields) > 1 else ""
        if layout.has_year_column and len(fields) > 2 and re.fullmatch(r"\d{4}", fields[2]):
            title = f"{title} ({fields[2]})"
        movielens_id = _id(fields[0])
        if movielens_id is None or movielens_id in titles or not title:
            raise _bad_line(layout.films, line, "is not a film with a number of its own and a title")
        titles[movielens_id] = title
    linked, imdb_ids = _links(source, layout)
    ids = sorted(titles)
    films = Films(
        movielens_ids=np.array(ids, dtype=np.int32),
        tmdb_ids=np.array([linked.get(movielens_id, 0) for movielens_id in ids], dtype=np.int64),
        titles=[titles[movielens_id] for movielens_id in ids],
    )
    return LinkedFilms(films=films, imdb_ids=imdb_ids)


def rating_chunks(
    source: Source,
    layout: Layout,
    films: Films,
    *,
    checksum: hashlib._Hash,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Iterator[RatingsChunk]:
    """All ratings, some megabytes at a time; the bytes that GroupLens published go into `checksum` on the way.

    Raises BadDataSet with the number of the first bad line.
    """
    name, line, carried = layout.ratings, 1, b""
    with source.opened(name, most_bytes=MOST_RATING_BYTES) as stream:
        if layout.ratings_header is not None:
            header = stream.readline(1_000)
            if header.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n") != layout.ratings_header.encode():
                raise _bad_line(name, 1, f"should be {layout.ratings_header!r}")
            if not layout.has_year_column:
                checksum.update(header)
            on_bytes(len(header))
            line = 2
        while block := stream.read(CHUNK_BYTES):
            checksum.update(block)
            on_bytes(len(block))
            text = carried + block
            complete = text.rfind(b"\n") + 1
            if not complete and len(text) >= CHUNK_BYTES:
                raise _bad_line(name, line, "has no end")
            carried = text[complete:]
            yield from _chunk(text[:complete], line, layout, films)
            line += text.count(b"\n", 0, complete)
            if line > MOST_RATINGS:
                raise BadDataSet(f"{name} holds more than {MOST_RATINGS:,} ratings.")
        yield from _chunk(carried + b"\n" if carried else b"", line, layout, films)


def _chunk(text: bytes, first_line: int, layout: Layout, films: Films) -> Iterator[RatingsChunk]:
    if not text:
        return
    plain = text.replace(b"\r\n", b"\n").replace(layout.separator.encode(), b",")
    rows = _rows(plain)
    if rows is None:
        lines = plain.split(b"\n")
        bad = next((index for index, line in enumerate(lines) if not _RATING_LINE.fullmatch(line)), 0)
        raise _bad_line(layout.ratings, first_line + bad, "is not a person, a film, stars and a time")
    for is_right, what in (
        ((rows["user"] >= 1) & (rows["user"] <= LARGEST_ID), "names a person with an impossible number"),
        (np.isin(rows["film"], films.movielens_ids), f"names a film that is not in {layout.films}"),
        (
            (rows["stars"] >= 0.5) & (rows["stars"] <= 5) & (rows["stars"] * 2 % 1 == 0),
            "gives stars that are not 0.5 to 5 in halves",
        ),
        (rows["time"] <= LATEST_TIME, "has an impossible time"),
    ):
        if not is_right.all():
            raise _bad_line(layout.ratings, first_line + int(np.argmin(is_right)), what)
    yield RatingsChunk(rows["user"], rows["film"], rows["stars"], rows["time"])


def _rows(plain: bytes) -> NDArray[np.void] | None:
    """One row a line, or None where a line is malformed."""
    if not _ALLOWED[np.frombuffer(plain, dtype=np.uint8)].all():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy only warns of a whole number written as 1.5
        try:
            rows = np.loadtxt(io.StringIO(plain.decode("ascii")), delimiter=",", dtype=_RATING, comments=None, ndmin=1)
        except (ValueError, OverflowError, Warning):
            return None
    return rows if len(rows) == plain.count(b"\n") else None


def _links(source: Source, layout: Layout) -> tuple[dict[int, int], dict[int, str]]:
    """TMDb ids by MovieLens' number, and the IMDb id of each TMDb id that has only one."""
    tmdb_ids: dict[int, int] = {}
    imdb_ids: dict[int, set[str]] = {}
    if layout.links is None or layout.links not in source:
        return tmdb_ids, {}
    for line, fields in _table(source, layout.links, layout):
        movielens_id = _id(fields[0])
        if len(fields) != 3 or movielens_id is None or movielens_id in tmdb_ids or not _are_links(fields):
            raise _bad_line(layout.links, line, "is not a film's number, an IMDb id and a TMDb id")
        tmdb_ids[movielens_id] = _id(fields[2]) or 0
        if fields[1] and fields[2]:
            imdb_ids.setdefault(tmdb_ids[movielens_id], set()).add(f"tt{fields[1].zfill(7)}")
    return tmdb_ids, {tmdb_id: names.pop() for tmdb_id, names in imdb_ids.items() if len(names) == 1}


def _are_links(fields: list[str]) -> bool:
    return re.fullmatch(r"[0-9]{0,10}", fields[1]) is not None and (not fields[2] or _id(fields[2]) is not None)


def _title(text: str) -> str:
    """`text` as titles are stored, "" where it can't be."""
    try:
        title = cleaned(text).strip()
    except UnacceptableText:
        return ""
    return title if len(title) <= LONGEST_TITLE else ""


def _id(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        return None
    return number if 1 <= (number := int(text)) <= LARGEST_ID else None


def _table(source: Source, name: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line but the header, with the line's number; a line has at least one field."""
    with source.opened(name, most_bytes=MOST_TABLE_BYTES) as stream:
        text = _decoded(stream, name, layout.encodings)
    if layout.film_separator == ",":
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = ((reader.line_num, fields) for fields in reader)
    else:
        rows = ((number, line.split(layout.film_separator)) for number, line in enumerate(text.split("\n"), 1))
    try:
        for number, fields in rows:
            if fields and fields != [""] and not (number == 1 and layout.films_header):
                yield number, fields
    except csv.Error as error:
        raise _bad_line(name, reader.line_num, f"is not CSV: {error}") from error


def _decoded(stream: BinaryIO, name: str, encodings: tuple[str, ...]) -> str:
    content = stream.read()
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
    raise _bad_line(name, line, f"is not {encodings[-1].removesuffix('-sig').upper()} text")


def _bad_line(name: str, line: int, what: str) -> BadDataSet:
    return BadDataSet(f"{name}, line {line:,}, {what}.")
