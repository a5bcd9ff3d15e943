"""TMDb as this instance is configured to reach it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from matinee.core.env import ConfigurationError
from matinee.tmdb.client import Access, Client, Exported
from matinee.tmdb.failures import ForbiddenAddress
from matinee.tmdb.pace import Pace
from matinee.tmdb.payloads import Film, ListedFilm
from matinee.tmdb.transport import Origins, Transport

PACE_FILE = "tmdb-pace"


@dataclass(frozen=True)
class MirrorScope:
    """Which of TMDb's films are mirrored."""

    films: int
    adult: bool
    video: bool

    def allow(self, film: Film | ListedFilm | Exported) -> bool:
        return (self.adult or not film.adult) and (self.video or not film.video)


def is_configured() -> bool:
    return bool(settings.TMDB_TOKEN or settings.TMDB_STAND_IN)


def scope() -> MirrorScope:
    return MirrorScope(
        settings.TMDB_FILMS, adult="adult" in settings.TMDB_INCLUDE, video="video" in settings.TMDB_INCLUDE
    )


def pace() -> Pace:
    return Pace(settings.DATA_DIR / PACE_FILE)


def new_client() -> Client:
    """A stand-in never sees the token."""
    stand_in = settings.TMDB_STAND_IN
    access = Access("stand-in" if stand_in else settings.TMDB_TOKEN or "", settings.TMDB_LANGUAGE)
    origins = Origins.of_stand_in(stand_in) if stand_in else Origins()
    return Client(access, transport=Transport(origins), pace=pace())


def check_settings() -> None:
    """Raises ConfigurationError for a stand-in that could lead elsewhere."""
    try:
        if settings.TMDB_STAND_IN:
            Origins.of_stand_in(settings.TMDB_STAND_IN)
    except ForbiddenAddress as error:
        raise ConfigurationError(f"MATINEE_TMDB_STAND_IN: {error}") from error
