"""Films in TMDb's shape."""

from __future__ import annotations

from typing import Any


def payload(tmdb_id: int, title: str, **more: Any) -> dict[str, Any]:
    return {
        "id": tmdb_id,
        "title": title,
        "original_title": title,
        "overview": f"What happens in {title}.",
        "release_date": "1999-03-31",
        "runtime": 136,
        "popularity": 10.0,
        "vote_average": 8.2,
        "vote_count": 26_000,
        "genres": [{"id": 28, "name": "Action"}],
        "imdb_id": f"tt{tmdb_id:07}",
        "poster_path": f"/{tmdb_id}.jpg",
        "keywords": {"keywords": [{"id": 1, "name": "saviour"}]},
        "credits": {
            "cast": [{"id": 6384, "name": "Keanu Reeves", "character": "Neo", "order": 0}],
            "crew": [
                {"id": 9340, "name": "Lana Wachowski", "job": "Director", "department": "Directing"},
                {"id": 9339, "name": "Bill Pope", "job": "Director of Photography", "department": "Camera"},
            ],
        },
        **more,
    }
