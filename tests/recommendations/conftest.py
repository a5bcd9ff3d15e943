"""The cast and a small cinema: people, films whose kinship a reader can see, and what somebody did with them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from matinee.accounts.models import User, UserProfile
from matinee.catalog.models import Movie

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def make_person(name: str, *, favorite_genres: list[int] | None = None, **facts: Any) -> User:
    person = User.objects.create(email=f"{name}@example.org", username=name, date_joined=NOW, **facts)
    UserProfile.objects.create(user=person, favorite_genres=favorite_genres or [], created_at=NOW, updated_at=NOW)
    return person


def make_movie(tmdb_id: int, **facts: Any) -> Movie:
    facts.setdefault("title", f"Film {tmdb_id}")
    return Movie.objects.create(tmdb_id=tmdb_id, created_at=NOW, updated_at=NOW, **facts)


@pytest.fixture
def alice(db: None) -> User:
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_person("bob")
