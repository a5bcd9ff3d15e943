"""What this instance's own people act on of late, and what is popular while that is little.

Nobody's evening shows: a film counts once three people acted on it, and no number of people is told.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matinee.catalog.columns import columns
from matinee.catalog.filters import BY_POPULARITY, MovieFilter, Sort
from matinee.catalog.projection import CatalogColumns
from matinee.core import instants
from matinee.core.in_parts import Rows
from matinee.core.statements import fetched

Window = Literal["day", "week"]
LENGTHS: dict[Window, dt.timedelta] = {"day": dt.timedelta(days=1), "week": dt.timedelta(days=7)}

FEWEST_PEOPLE = 3
DEEPEST = 500
"""How many films an answer can be paged through."""
KEPT_FOR = dt.timedelta(seconds=30)
"""The counts are the same for everybody, and read anew no more often than this by each process."""

# Written out, since the ORM does not count over a union. The union drops repeats, so that of a person and a film one
# action counts; each branch reads its index alone, and the literal 4 lets SQLite see that its partial index fits.
PEOPLE_OF_FILMS = """
SELECT film.tmdb_id, COUNT(*)
FROM (
  SELECT movie_id, user_id FROM library_favorite WHERE created_at > %s AND created_at <= %s
  UNION
  SELECT movie_id, user_id FROM library_watchlist WHERE created_at > %s AND created_at <= %s
  UNION
  SELECT movie_id, user_id FROM library_movierating WHERE updated_at > %s AND updated_at <= %s AND rating >= 4
) acted
JOIN accounts_user person ON person.id = acted.user_id AND person.is_active
JOIN catalog_movie film ON film.id = acted.movie_id
GROUP BY film.tmdb_id HAVING COUNT(*) >= %s
"""


@dataclass(frozen=True)
class Crowds:
    """How many people acted on each film in a window; films with fewer than FEWEST_PEOPLE are not among them."""

    counted_at: dt.datetime
    tmdb_ids: NDArray[np.int64] = field(repr=False)
    people: NDArray[np.int64] = field(repr=False)


def trending(
    *, window: Window, movie_filter: MovieFilter, sort: Sort | None = None, now: dt.datetime
) -> NDArray[np.int64]:
    """(m,) the TMDb ids of at most 500 films that match: those with the most people first, then the popular.

    Equal numbers of people go by popularity, then by TMDb id. `sort` reorders the films picked. One query, none while
    the counts are fresh.
    """
    catalogue = columns()
    crowds = _counted[window].get(now)
    rows = catalogue.rows_of(crowds.tmdb_ids)
    matching = catalogue.mask(movie_filter).contains(rows)
    first = _most_people_first(catalogue, rows[matching], crowds.people[matching])[:DEEPEST]
    popular = catalogue.ordered(movie_filter, BY_POPULARITY).rows[: DEEPEST + len(first)]
    picked = np.concatenate([first, popular[~np.isin(popular, first)]])[:DEEPEST]
    if sort is not None:
        picked = catalogue.in_order(picked, sort)
    ids: NDArray[np.int64] = catalogue.tmdb_ids[picked]
    return ids


def forget() -> None:
    """Count anew at the next call."""
    for counted in _counted.values():
        counted.forget()


def count_people(*, since: dt.datetime, now: dt.datetime) -> Crowds:
    """Active people by film that they favourited, put on their watchlist or gave 4 or 5 in (since, now]; one query."""
    window = [instants.stored(since), instants.stored(now)]
    counts = np.array(fetched(PEOPLE_OF_FILMS, [*window * 3, FEWEST_PEOPLE]), dtype=np.int64).reshape(-1, 2)
    return Crowds(counted_at=now, tmdb_ids=counts[:, 0], people=counts[:, 1])


class _Counted:
    """The crowds of one window as this process counted them last."""

    def __init__(self, length: dt.timedelta) -> None:
        self._length = length
        self._lock = threading.Lock()
        self._crowds: Crowds | None = None

    def get(self, now: dt.datetime) -> Crowds:
        with self._lock:
            if self._crowds is None or abs(now - self._crowds.counted_at) >= KEPT_FOR:
                self._crowds = count_people(since=now - self._length, now=now)
            return self._crowds

    def forget(self) -> None:
        self._crowds = None


_counted: dict[Window, _Counted] = {window: _Counted(length) for window, length in LENGTHS.items()}


def _most_people_first(catalogue: CatalogColumns, rows: Rows, people: NDArray[np.int64]) -> Rows:
    """Equal numbers of people by popularity, unknown last, then by row, and so by TMDb id."""
    less_popular = np.nan_to_num(-catalogue.popularity[rows], nan=np.inf)
    ordered: Rows = rows[np.lexsort((rows, less_popular, -people))]
    return ordered
