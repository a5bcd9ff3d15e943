"""Films with what search reads of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from tantivy import Index

from matinee.catalog.models import Movie
from matinee.search.documents import FIELDS, document_of, schema
from matinee.search.queries import Queries
from tests.catalog.films import film


def titled(tmdb_id: int, title: str, year: int | None = 1999, **facts: Any) -> Movie:
    """A row that is not saved yet; a film with a higher id is the more popular one, where nothing else is said."""
    known = {"popularity": float(tmdb_id), "vote_count": tmdb_id, "original_language": "en"}
    released = dt.date(year, 3, 30) if year else None
    return film(tmdb_id, title, release_date=released, **{**known, **facts})


def queries_over(films: Sequence[Mapping[str, Any]]) -> Queries:
    """Of an index in memory; the films' ids are their places, from 1 on."""
    index = Index(schema())
    writer = index.writer(num_threads=1)
    for tmdb_id, known in enumerate(films, 1):
        writer.add_document(document_of({**dict.fromkeys(FIELDS), "tmdb_id": tmdb_id, **known}))
    writer.commit()
    index.reload()
    return Queries(schema(), index.searcher())
