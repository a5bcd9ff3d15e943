"""The films of the stand-in, in TMDb's shape, and what happened to them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Payload: TypeAlias = dict[str, Any]

BLANK: Mapping[str, Any] = {
    "adult": False,
    "backdrop_path": None,
    "belongs_to_collection": None,
    "budget": 0,
    "genres": (),
    "homepage": "",
    "imdb_id": None,
    "original_language": "en",
    "original_title": "",
    "overview": "",
    "popularity": 0.0,
    "poster_path": None,
    "production_companies": (),
    "production_countries": (),
    "release_date": "",
    "revenue": 0,
    "runtime": 0,
    "spoken_languages": (),
    "status": "Released",
    "tagline": "",
    "title": "",
    "video": False,
    "vote_average": 0.0,
    "vote_count": 0,
}
"""What TMDb says where it knows nothing."""


class Films:
    """All there are by id, those that changed by day, and where merged ones went."""

    def __init__(self, films: Iterable[Payload]) -> None:
        self.by_id: dict[int, Payload] = {film["id"]: {**BLANK, **film} for film in films}
        self.merged: dict[int, int] = {}
        self._changed: defaultdict[dt.date, set[int]] = defaultdict(set)

    def find(self, film_id: int) -> Payload | None:
        return self.by_id.get(self.merged.get(film_id, film_id))

    def is_adult(self, film_id: int) -> bool | None:
        """None of a film that is gone."""
        return self.by_id[film_id]["adult"] if film_id in self.by_id else None

    def by_popularity(self) -> list[Payload]:
        return sorted(self.by_id.values(), key=lambda film: (-film["popularity"], film["id"]))

    def changed_on(self, first: dt.date, last: dt.date) -> list[int]:
        """TMDb's days end where the next begins: `last` is not among them unless it is the first."""
        days = [day for day in self._changed if first <= day < max(last, first + dt.timedelta(days=1))]
        return sorted(set().union(*(self._changed[day] for day in days)))

    def put(self, film: Payload, *, day: dt.date) -> None:
        self.by_id[film["id"]] = {**BLANK, **self.by_id.get(film["id"], {}), **film}
        self._changed[day].add(film["id"])

    def delete(self, film_id: int, *, day: dt.date) -> None:
        del self.by_id[film_id]
        self._changed[day].add(film_id)

    def merge(self, film_id: int, *, into: int, day: dt.date) -> None:
        """The film is another one that TMDb had already; its id answers with that."""
        self.delete(film_id, day=day)
        self.merged[film_id] = into


def film_of(facts: Mapping[str, Any], genres: Mapping[int, str]) -> Payload:
    """A film of our catalogue in TMDb's shape."""
    plain = {name: facts[name] for name in BLANK if facts.get(name) is not None}
    released = facts.get("release_date")
    return {
        **plain,
        "id": facts["tmdb_id"],
        "release_date": released.isoformat() if released else "",
        "genres": [{"id": id_, "name": genres[id_]} for id_ in facts["genre_ids"]],
        "production_companies": [
            {"logo_path": None, "origin_country": "", **company} for company in facts["production_companies"]
        ],
        "spoken_languages": [{"english_name": "", **language} for language in facts["spoken_languages"]],
        "keywords": {"keywords": [{"id": one.id, "name": one.name} for one in facts["keyword_tags"]]},
        "credits": {
            "cast": [
                {**_person(one), "character": one.character or "", "order": order}
                for order, one in enumerate(facts["cast_members"])
            ],
            "crew": [
                {**_person(one), "job": one.job, "department": one.department or ""} for one in facts["crew_members"]
            ],
        },
    }


def _person(entry: Any) -> Payload:
    return {"id": entry.id, "name": entry.name, "profile_path": entry.profile_path}
