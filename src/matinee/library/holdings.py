"""What the library holds about a person: all of it theirs to have."""

from __future__ import annotations

from matinee.accounts.privacy import Section, exported, left_out

FILM = {"movie_id": "movie__tmdb_id", "title": "movie__title"}
LISTS = {"favorites": "Favorite", "watchlist": "Watchlist", "dismissals": "Dismissal"}
RATING = ("rating", "review", "review_private", "review_hidden", "created_at", "updated_at")


def register() -> None:
    """Called when the apps are ready."""
    for name, model in LISTS.items():
        exported(Section(name, f"library.{model}", "user", {**FILM, "created_at": "created_at"}))
    exported(Section("ratings", "library.MovieRating", "user", {**FILM, **{name: name for name in RATING}}))
    for model in (*LISTS.values(), "MovieRating"):
        left_out(f"library.{model}", "Of no meaning outside the database.", "id", "user")
