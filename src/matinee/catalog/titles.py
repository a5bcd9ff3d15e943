"""What the films of the catalogue are called."""

from __future__ import annotations

from collections.abc import Iterator

from matinee.catalog.matching import CatalogueTitle
from matinee.catalog.models import Movie


def catalogue_titles() -> Iterator[CatalogueTitle]:
    """Every film of the catalogue, streamed in one query."""
    columns = ("tmdb_id", "title", "original_title", "release_date", "vote_count")
    for tmdb_id, title, original, released, votes in Movie.objects.values_list(*columns).order_by().iterator():
        yield CatalogueTitle(tmdb_id, title, original, released.year if released else None, votes or 0)
