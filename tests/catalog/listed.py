"""What a list of all films shows now."""

from __future__ import annotations

from matinee.catalog.columns import columns
from matinee.catalog.filters import EVERYTHING, Sort
from matinee.catalog.models import Movie

BY_TITLE = Sort("title", descending=False)


def titles() -> list[str]:
    catalogue = columns()
    ids = catalogue.tmdb_ids[catalogue.ordered(EVERYTHING, BY_TITLE).rows].tolist()
    return [movie.title for movie in Movie.objects.by_tmdb_ids(ids)]
