"""What TMDb would answer: https://developer.themoviedb.org/reference, as its OpenAPI describes it."""

from __future__ import annotations

import datetime as dt
import gzip
import heapq
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from matinee.tmdb.stand_in.films import Films, Payload

Query: TypeAlias = Mapping[str, str]
Entry = TypeVar("Entry")

PAGE = 20
CHANGES_A_PAGE = 100
NOTHING = (
    404,
    {"success": False, "status_code": 34, "status_message": "The resource you requested could not be found."},
)
NO_KEY = (
    401,
    {"success": False, "status_code": 7, "status_message": "Invalid API key: You must be granted a valid key."},
)
PERSON = {"adult": False, "gender": 0, "known_for_department": "", "popularity": 0.0, "profile_path": None}
LISTED = (
    "adult", "backdrop_path", "id", "original_language", "original_title", "overview", "popularity", "poster_path",
    "release_date", "title", "video", "vote_average", "vote_count",
)  # fmt: skip
IMAGES = {
    "base_url": "http://image.tmdb.org/t/p/",
    "secure_base_url": "https://image.tmdb.org/t/p/",
    "backdrop_sizes": ["w300", "w780", "w1280", "original"],
    "logo_sizes": ["w45", "w92", "w154", "w185", "w300", "w500", "original"],
    "poster_sizes": ["w92", "w154", "w185", "w342", "w500", "w780", "original"],
    "profile_sizes": ["w45", "w185", "h632", "original"],
    "still_sizes": ["w92", "w185", "w300", "original"],
}


def answer(films: Films, path: str, query: Query) -> tuple[int, Payload]:
    """The status and the JSON for a request that has shown a token."""
    for pattern, respond in ROUTES:
        match = re.fullmatch(pattern, path)
        if match is not None:
            return respond(films, query, *match.groups())
    return NOTHING


def export_of(films: Films) -> bytes:
    """The file of all ids."""
    lines = [
        json.dumps(
            {
                "adult": film["adult"],
                "id": film["id"],
                "original_title": film["original_title"],
                "popularity": film["popularity"],
                "video": film["video"],
            }
        )
        for film in films.by_id.values()
    ]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=1)


def _movie(films: Films, query: Query, movie_id: str) -> tuple[int, Payload]:
    film = films.find(int(movie_id))
    if film is None:
        return NOTHING
    wanted = [name for name in query.get("append_to_response", "").split(",") if name in APPENDABLE]
    details = {name: list(value) if isinstance(value, tuple) else value for name, value in film.items()}
    own = {name: value for name, value in details.items() if name not in APPENDABLE}
    return 200, {**own, **{name: APPENDABLE[name](film) for name in wanted}}


def _part(films: Films, _query: Query, movie_id: str, name: str) -> tuple[int, Payload]:
    film = films.find(int(movie_id))
    if film is None or name not in APPENDABLE:
        return NOTHING
    return 200, {"id": film["id"], **APPENDABLE[name](film)}


def _changes(films: Films, query: Query) -> tuple[int, Payload]:
    today = dt.datetime.now(dt.UTC).date()
    first = dt.date.fromisoformat(query.get("start_date") or today.isoformat())
    last = dt.date.fromisoformat(query.get("end_date") or today.isoformat())
    if (last - first).days > 14:
        return 400, {"success": False, "status_code": 20, "status_message": "Invalid date range: 14 days at most."}
    changed = films.changed_on(first, last)
    return 200, _page(changed, query, CHANGES_A_PAGE, lambda id_: {"id": id_, "adult": films.is_adult(id_)})


def _popular(films: Films, query: Query) -> tuple[int, Payload]:
    return 200, _page(films.by_popularity(), query, PAGE, _listed)


def _found(films: Films, query: Query) -> tuple[int, Payload]:
    """Films with all the words in their title, which is far less than TMDb finds."""
    words, adult = query.get("query", "").casefold().split(), query.get("include_adult") == "true"
    found = [
        film
        for film in films.by_popularity()
        if (adult or not film["adult"]) and all(word in film["title"].casefold() for word in words)
    ]
    return 200, _page(found if words else [], query, PAGE, _listed)


def _dated(films: Films, query: Query) -> tuple[int, Payload]:
    newest = heapq.nlargest(100, films.by_id.values(), key=lambda film: (film["release_date"], film["id"]))
    days = [film["release_date"] for film in newest]
    span = {"minimum": min(days, default=""), "maximum": max(days, default="")}
    return 200, {"dates": span, **_page(newest, query, PAGE, _listed)}


def _genres(films: Films, _query: Query) -> tuple[int, Payload]:
    names = {genre["id"]: genre["name"] for film in films.by_id.values() for genre in film["genres"]}
    return 200, {"genres": [{"id": id_, "name": name} for id_, name in sorted(names.items())]}


def _configuration(_films: Films, _query: Query) -> tuple[int, Payload]:
    return 200, {"images": IMAGES, "change_keys": ["overview", "release_dates", "title"]}


def _page(entries: Sequence[Entry], query: Query, size: int, shown: Callable[[Entry], Payload]) -> Payload:
    page = int(query.get("page", "1"))
    return {
        "page": page,
        "results": [shown(entry) for entry in entries[(page - 1) * size : page * size]],
        "total_pages": max(1, -(-len(entries) // size)),
        "total_results": len(entries),
    }


def _listed(film: Payload) -> Payload:
    return {**{name: film[name] for name in LISTED}, "genre_ids": [genre["id"] for genre in film["genres"]]}


def _credits(film: Payload) -> Payload:
    given = film.get("credits", {})
    return {
        "cast": [
            {**PERSON, "original_name": one["name"], "cast_id": place, "credit_id": f"{place:024x}", **one}
            for place, one in enumerate(given.get("cast", ()))
        ],
        "crew": [
            {**PERSON, "original_name": one["name"], "credit_id": f"c{place:023x}", **one}
            for place, one in enumerate(given.get("crew", ()))
        ],
    }


def _external_ids(film: Payload) -> Payload:
    none = dict.fromkeys(("wikidata_id", "facebook_id", "instagram_id", "twitter_id"))
    return {"imdb_id": film["imdb_id"], **none, **film.get("external_ids", {})}


def _given(name: str, blank: Payload) -> Callable[[Payload], Payload]:
    return lambda film: film.get(name, blank)


APPENDABLE: Mapping[str, Callable[[Payload], Payload]] = {
    "credits": _credits,
    "keywords": _given("keywords", {"keywords": []}),
    "alternative_titles": _given("alternative_titles", {"titles": []}),
    "release_dates": _given("release_dates", {"results": []}),
    "watch/providers": _given("watch/providers", {"results": {}}),
    "external_ids": _external_ids,
    "videos": _given("videos", {"results": []}),
}

ROUTES: Sequence[tuple[str, Callable[..., tuple[int, Payload]]]] = (
    (r"/3/movie/(\d{1,10})", _movie),
    (r"/3/movie/changes", _changes),
    (r"/3/movie/popular", _popular),
    (r"/3/search/movie", _found),
    (r"/3/movie/(?:upcoming|now_playing)", _dated),
    (r"/3/movie/(\d{1,10})/([a-z_/]+)", _part),
    (r"/3/genre/movie/list", _genres),
    (r"/3/configuration", _configuration),
)
