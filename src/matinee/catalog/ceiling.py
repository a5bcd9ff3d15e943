"""How mature the films may be that this instance shows: MATINEE_MATURITY_CEILING, a country and its certification.

A film is shown where that country's certification of it stands at the ceiling or below. One that is not rated there, or
of which nothing is known, is not: who sets a ceiling would rather miss a film than show one too many. What is hidden is
as good as not there, on lists and alone; the certifications are those of the postings, and follow a change with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from django.conf import settings

from matinee.catalog import maturity
from matinee.catalog.filters import MovieFilter, Term
from matinee.catalog.published_postings import postings
from matinee.core.env import ConfigurationError


def instance_ceiling() -> Term | None:
    """What a film must have to be shown; None where all are. Raises ConfigurationError."""
    return _term(settings.MATURITY_CEILING) if settings.MATURITY_CEILING else None


def under_ceiling(movie_filter: MovieFilter) -> MovieFilter:
    """The filter, and the ceiling beside it."""
    ceiling = instance_ceiling()
    return movie_filter if ceiling is None else replace(movie_filter, terms=(*movie_filter.terms, ceiling))


def permitted(tmdb_ids: Sequence[int]) -> Sequence[int]:
    """Those of these films that may be shown, in their order."""
    ceiling = instance_ceiling()
    if ceiling is None:
        return tmdb_ids
    shown = postings().have_any("certifications", ceiling.keys, tmdb_ids)
    return [tmdb_id for tmdb_id, is_shown in zip(tmdb_ids, shown.tolist(), strict=True) if is_shown]


@lru_cache(maxsize=4)
def _term(setting: str) -> Term:
    country, _, certification = setting.partition(":")
    if country not in maturity.SCALES:
        known = ", ".join(maturity.SCALES)
        raise ConfigurationError(
            f"MATINEE_MATURITY_CEILING is a country and its certification, like US:PG-13: {known}."
        )
    try:
        highest = maturity.place_of(country, certification)
    except ValueError as error:
        raise ConfigurationError(f"MATINEE_MATURITY_CEILING can't be {setting}. {error}") from error
    return Term(("certifications",), maturity.keys_between(country, None, highest), "any")
