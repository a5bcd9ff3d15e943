from __future__ import annotations

from matinee.catalog.filters import LARGEST_ID
from matinee.catalog.models import Movie
from matinee.core.refusals import NotFound


class UnknownMovie(NotFound):
    """The catalogue has no film with this TMDb id."""

    code = "movie_not_found"


def find_movie(tmdb_id: int) -> Movie:
    """The film that clients mean by this id. Raises UnknownMovie, for what can't be an id too."""
    movie = Movie.objects.filter(tmdb_id=tmdb_id).first() if 1 <= tmdb_id <= LARGEST_ID else None
    if movie is None:
        raise UnknownMovie(f"There is no movie with the TMDb id {tmdb_id}.")
    return movie
