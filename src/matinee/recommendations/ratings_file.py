"""A file of ratings in MovieLens' columns, to evaluate on: `userId,movieId,rating` and, if it likes, `timestamp`."""

from __future__ import annotations

import re
from array import array
from pathlib import Path

import numpy as np

from matinee.engine.interactions import HIGHEST_RATING, LOWEST_RATING, Interactions

COLUMNS = ("userid", "movieid", "rating", "timestamp")
LONGEST_LINE = 1_000
_WHOLE, _NUMBER = rb"([0-9]{1,18})", rb"([0-9]{1,9}(?:\.[0-9]{0,18})?)"
_LINE = re.compile(rb",".join([_WHOLE, _WHOLE, _NUMBER]))
_LINE_WITH_TIME = re.compile(rb",".join([_WHOLE, _WHOLE, _NUMBER, _WHOLE]))


class BadRatingsFile(ValueError):
    """The file is not what it should be; the message names the line."""


def read_ratings(path: Path) -> Interactions:
    """All ratings of the file, by its own numbers for people and films; of two by one person the later counts.

    Held as columns, 28 bytes a rating. Raises BadRatingsFile, and OSError where it can't be read.
    """
    users, films, stars, times = array("q"), array("q"), array("f"), array("q")
    with path.open("rb") as file:
        has_times = _has_times(path, file.readline(LONGEST_LINE))
        pattern = _LINE_WITH_TIME if has_times else _LINE
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 2):
            bare = line.strip()
            if not bare:
                continue
            fields = pattern.fullmatch(bare)
            if fields is None:
                raise _bad_line(path, number, f"is not {', '.join(COLUMNS[: 3 + has_times])}: whole numbers and stars")
            rating = float(fields[3])
            if not LOWEST_RATING <= rating <= HIGHEST_RATING:
                raise _bad_line(
                    path, number, f"gives {rating:g} stars, which are {LOWEST_RATING} to {HIGHEST_RATING:g}"
                )
            users.append(int(fields[1]))
            films.append(int(fields[2]))
            stars.append(rating)
            if has_times:
                times.append(int(fields[4]))
    return Interactions.from_arrays(
        np.frombuffer(users, np.int64),
        np.frombuffer(films, np.int64),
        np.frombuffer(stars, np.float32),
        np.frombuffer(times, np.int64) if has_times else None,
    )


def _has_times(path: Path, header: bytes) -> bool:
    names = header.removeprefix(b"\xef\xbb\xbf").decode("ascii", "replace").strip().lower()
    columns = tuple(name.strip(' "') for name in names.split(","))
    if columns not in {COLUMNS[:3], COLUMNS}:
        raise _bad_line(path, 1, "should be userId,movieId,rating or userId,movieId,rating,timestamp")
    return columns == COLUMNS


def _bad_line(path: Path, number: int, what: str) -> BadRatingsFile:
    return BadRatingsFile(f"{path.name}, line {number:,}, {what}.")
