from __future__ import annotations

from django.apps import AppConfig


class TmdbConfig(AppConfig):
    name = "matinee.tmdb"
    label = "tmdb"
