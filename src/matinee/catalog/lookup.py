"""A film of the catalogue by the id that clients know it by; `tmdb.services` fetches one that is missing."""

from __future__ import annotations

from matinee.catalog.ceiling import may_be_shown
from matinee.catalog.filters import LARGEST_ID
from matinee.catalog.models import Movie
from matinee.core.refusals import NotFound
from matinee.core.statements import fetched

PK_OF_TMDB_ID = "SELECT id FROM catalog_movie WHERE tmdb_id = %s"


class UnknownMovie(NotFound):
    """The catalogue has no film with this TMDb id."""

    code = "movie_not_found"

    @classmethod
    def of(cls, tmdb_id: int) -> UnknownMovie:
        return cls(f"There is no movie with the TMDb id {tmdb_id}.")


def find_movie(tmdb_id: int) -> Movie:
    """The film that clients mean by this id. Raises UnknownMovie, for what can't be an id or be shown, too."""
    movie = Movie.objects.filter(tmdb_id=tmdb_id).first() if _is_permitted(tmdb_id) else None
    if movie is None:
        raise UnknownMovie.of(tmdb_id)
    return movie


def find_pk(tmdb_id: int) -> int:
    """The row of the film that clients mean by this id. Raises UnknownMovie, as `find_movie` does."""
    rows = fetched(PK_OF_TMDB_ID, [tmdb_id if _is_permitted(tmdb_id) else None])
    if not rows:
        raise UnknownMovie.of(tmdb_id)
    return int(rows[0][0])


def _is_permitted(tmdb_id: int) -> bool:
    """Whether it can be an id, of a film that may be shown."""
    return 1 <= tmdb_id <= LARGEST_ID and may_be_shown(tmdb_id)
