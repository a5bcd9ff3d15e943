"""Heat as a source tells of it: its cast, its keywords, where to watch it, …"""

from __future__ import annotations

from typing import Any

HEAT = 949

PACINO = {"id": 1158, "name": "Al Pacino", "profile_path": "/pacino.jpg"}
DE_NIRO = {"id": 380, "name": "Robert De Niro", "profile_path": "/deniro.jpg"}
MANN = {"id": 638, "name": "Michael Mann", "profile_path": None}
NETFLIX = {"id": 8, "name": "Netflix", "logo_path": "/n.jpg"}

OF_HEAT: dict[str, Any] = {
    "tmdb_id": HEAT,
    "title": "Heat",
    "cast_members": [{**PACINO, "character": "Vincent Hanna"}, {**DE_NIRO, "character": "Neil McCauley"}],
    "crew_members": [
        {**MANN, "job": "Writer", "department": "Writing"},
        {**MANN, "job": "Director", "department": "Directing"},
    ],
    "keyword_tags": [{"id": 10051, "name": "heist"}, {"id": 642, "name": "robbery"}],
    "collection": {"id": 5, "name": "Heat Collection", "poster_path": "/c.jpg", "backdrop_path": None},
    "certifications": [{"country": "US", "certification": "R"}, {"country": "DE", "certification": "16"}],
    "watch_offers": [{"region": "US", "kind": "flatrate", **NETFLIX}, {"region": "DE", "kind": "buy", **NETFLIX}],
    "videos": [
        {"site": "YouTube", "key": "clip", "kind": "Clip", "is_official": True},
        {"site": "YouTube", "key": "trailer", "kind": "Trailer", "published_at": "2015-03-05T02:03:14.000Z"},
    ],
    "alternative_titles": [{"country": "FR", "title": "Heat, en toute sécurité", "kind": ""}],
}
