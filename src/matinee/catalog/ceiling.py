"""How mature the films may be that are shown: MATINEE_MATURITY_CEILING for everybody, and a person's own ceiling.

A film is shown where the ceiling's country certified it at the ceiling or below. One that is not rated there, or of
which nothing is known, is not: who sets a ceiling would rather miss a film than show one too many. What is hidden is
as good as not there, on lists and alone. The certifications are those of the postings, and follow a change with them;
a film that is asked for alone is there as soon as its rows are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from django.conf import settings

from matinee.catalog import maturity
from matinee.catalog.filters import MovieFilter, Term
from matinee.catalog.postings import read_pairs
from matinee.catalog.published_postings import postings
from matinee.core.env import ConfigurationError


def instance_ceiling() -> Term | None:
    """What a film must have to be shown to anybody; None where all are. Raises ConfigurationError."""
    try:
        return _term(settings.MATURITY_CEILING) if settings.MATURITY_CEILING else None
    except ValueError as error:
        raise ConfigurationError(f"MATINEE_MATURITY_CEILING can't be {settings.MATURITY_CEILING}. {error}") from error


def own_ceiling(setting: str | None) -> Term | None:
    """What a film must have to be shown to the person who has set this; where it can't be read, nothing has it."""
    try:
        return _term(setting) if setting else None
    except ValueError:
        return Term(("certifications",), (), "any")


def under_ceiling(movie_filter: MovieFilter, own: Term | None = None) -> MovieFilter:
    """The filter, and the ceilings beside it."""
    ceilings = _ceilings(own)
    return replace(movie_filter, terms=(*movie_filter.terms, *ceilings)) if ceilings else movie_filter


def hides_any(own: Term | None = None) -> bool:
    """Whether there is a ceiling at all."""
    return bool(_ceilings(own))


def permitted(tmdb_ids: Sequence[int], own: Term | None = None) -> Sequence[int]:
    """Those of these films that may be shown, in their order."""
    for ceiling in _ceilings(own):
        shown = postings().have_any("certifications", ceiling.keys, tmdb_ids).tolist()
        tmdb_ids = [tmdb_id for tmdb_id, is_shown in zip(tmdb_ids, shown, strict=True) if is_shown]
    return tmdb_ids


def may_be_shown(tmdb_id: int, own: Term | None = None) -> bool:
    """Whether this film may; one that the postings hide may be newer than they are, and its own rows tell then."""
    if permitted([tmdb_id], own):
        return True
    keys = set(read_pairs("certifications", [tmdb_id])[0].tolist())
    return all(not keys.isdisjoint(ceiling.keys) for ceiling in _ceilings(own))


def _ceilings(own: Term | None) -> list[Term]:
    return [ceiling for ceiling in (instance_ceiling(), own) if ceiling is not None]


@lru_cache(maxsize=256)
def _term(setting: str) -> Term:
    return Term(("certifications",), maturity.ceiling_keys(setting), "any")
