"""Films with what search reads of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from matinee.catalog.models import Movie
from tests.catalog.films import film


def titled(tmdb_id: int, title: str, year: int | None = 1999, **facts: Any) -> Movie:
    """A row that is not saved yet; a film with a higher id is the more popular one, where nothing else is said."""
    known = {"popularity": float(tmdb_id), "vote_count": tmdb_id, "original_language": "en"}
    released = dt.date(year, 3, 30) if year else None
    return film(tmdb_id, title, release_date=released, **{**known, **facts})
